import { createHash } from "node:crypto";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { ObjectInfo } from "@nats-io/obj";
import { inTime } from "./patience.js";

const DIGEST = "SHA-256=";

/**
 * The chunks of an object, in their order, as its reader takes them. Each is asked for by itself: a consumer for an
 * object, as the client's own `get` makes one, stays on the server for minutes, and of 1,000 there is no more.
 * Raises Error where a chunk is not there, does not come, or all of them together are not what was stored.
 */
export async function* chunksOf(
  jsm: JetStreamManager,
  { bucket, nuid, chunks, digest }: Pick<ObjectInfo, "bucket" | "nuid" | "chunks" | "digest">,
): AsyncGenerator<Uint8Array, void> {
  const stream = `OBJ_${bucket}`;
  const subject = `$O.${bucket}.C.${nuid}`;
  const hash = createHash("sha256");
  let last = 0;
  for (let n = 1; n <= chunks; n++) {
    const chunk = await inTime(nextOf(jsm, stream, { seq: last + 1, next_by_subj: subject }));
    if (chunk === null) throw new Error(`chunk ${n} of ${chunks} is not there`);
    last = chunk.seq;
    hash.update(chunk.data);
    yield chunk.data;
  }
  const stored = Buffer.from(digest.slice(DIGEST.length), "base64url");
  if (!hash.digest().equals(stored)) throw new Error("it is not what was stored");
}

type Query = { readonly seq: number; readonly next_by_subj: string };

/** From any copy; one that is behind may not have it yet, the leader has. */
async function nextOf(jsm: JetStreamManager, stream: string, query: Query): Promise<StoredMsg | null> {
  const near = await jsm.direct.getMessage(stream, query).catch(() => null);
  if (near !== null) return near;
  try {
    return await jsm.streams.getMessage(stream, query);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return null;
    throw error;
  }
}
