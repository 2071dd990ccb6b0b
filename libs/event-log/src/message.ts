import type { StreamName } from "@fieldlog/contracts";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";

/** The message at a sequence, or the first from there on with the subject; or the last with it. */
export type MessageQuery = { seq: number; next_by_subj?: string } | { last_by_subj: string };

/** A message as the stream's leader has it; null: it has none. Raises what the server answers else. */
export async function messageOrNull(
  jsm: JetStreamManager,
  stream: StreamName,
  query: MessageQuery,
): Promise<StoredMsg | null> {
  try {
    return await jsm.streams.getMessage(stream, query);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return null;
    throw error;
  }
}
