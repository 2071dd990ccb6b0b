import { JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import type { ObjectInfo } from "@nats-io/obj";
import { subjectsOf } from "./nats-metas.js";

/**
 * Removes from a bucket what was left there by whoever was killed while it put or removed an object: chunks that no object
 * names; and what says of an object that it was removed. Returns how many of both. Raises what the server does.
 *
 * @param before only what was stored before then, ms since 1970 UTC: younger chunks may belong to a put that is under way
 */
export async function removeLeftovers(
  jsm: JetStreamManager,
  bucket: string,
  before: number,
  signal?: AbortSignal,
): Promise<number> {
  const [stream, chunks] = [`OBJ_${bucket}`, `$O.${bucket}.C.`];
  const unnamed = new Set(await subjectsOf(jsm, bucket, "C"));
  let removed = 0;
  // Behind the look at the chunks: what was whole by then has its name. One after the other, so that none is passed over.
  for (let next = { seq: 1, next_by_subj: `$O.${bucket}.M.*` }; ; ) {
    signal?.throwIfAborted();
    const meta = await jsm.streams.getMessage(stream, next);
    if (meta === null) break;
    next = { ...next, seq: meta.seq + 1 };
    const { nuid, deleted } = meta.json<ObjectInfo>();
    if (!deleted) unnamed.delete(`${chunks}${nuid}`);
    // By its sequence: an object that is put under the same name just now has another.
    else if (meta.time.getTime() < before && (await isDeleted(jsm, stream, meta.seq))) removed += 1;
  }
  for (const filter of unnamed) {
    signal?.throwIfAborted();
    const newest = await jsm.streams.getMessage(stream, { last_by_subj: filter });
    if (newest === null || newest.time.getTime() >= before) continue;
    await jsm.streams.purge(stream, { filter });
    removed += 1;
  }
  return removed;
}

/** Whether it was: not if it was replaced meanwhile. */
async function isDeleted(jsm: JetStreamManager, stream: string, sequence: number): Promise<boolean> {
  try {
    return await jsm.streams.deleteMessage(stream, sequence, false);
  } catch (error) {
    if (error instanceof JetStreamApiError) return false;
    throw error;
  }
}
