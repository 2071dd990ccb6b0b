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
  stream: string,
  query: MessageQuery,
): Promise<StoredMsg | null> {
  try {
    return await jsm.streams.getMessage(stream, query);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return null;
    throw error;
  }
}

/**
 * Whether a stream's leader has something with the subject (default: any) after a sequence, and up to another one
 * (default: its end). In a cluster a consumer tells what the copy beside it has, which may be behind. Where there is one
 * copy the consumer knows best: "one copy".
 */
export async function leaderHas(
  jsm: JetStreamManager,
  stream: string,
  { after, until, subject = ">" }: { after: number; until?: number; subject?: string | undefined },
): Promise<boolean | "one copy"> {
  const { state, config } = await jsm.streams.info(stream);
  if (config.num_replicas === 1) return "one copy";
  // A new leader has not applied everything yet.
  if (until !== undefined && state.last_seq < until) return true;
  if (state.last_seq <= after) return false;
  const next = await messageOrNull(jsm, stream, { seq: after + 1, next_by_subj: subject });
  return next !== null && next.seq <= (until ?? state.last_seq);
}
