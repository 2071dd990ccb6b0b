import type { JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import type { ObjectInfo } from "@nats-io/obj";

/** What a bucket has of an object, or of one that was removed. */
export interface Meta {
  readonly info: Pick<ObjectInfo, "deleted" | "metadata">;
  /** By the storage's clock; ms since 1970 UTC. */
  readonly storedAt: number;
}

/** Asked for at once. */
const AT_ONCE = 32;

/** The subjects of a bucket's chunks or metas, as its leader has them. */
export async function subjectsOf(jsm: JetStreamManager, bucket: string, kind: "C" | "M"): Promise<string[]> {
  const { state } = await jsm.streams.info(`OBJ_${bucket}`, { subjects_filter: `$O.${bucket}.${kind}.*` });
  return Object.keys(state.subjects ?? {});
}

/**
 * The metas of a bucket, as they are in the meantime. Each is asked of the leader: of what a copy lacks that is behind, or
 * what comes late to a consumer, nobody would learn.
 */
export async function* metasOf(jsm: JetStreamManager, bucket: string): AsyncGenerator<Meta, void> {
  const subjects = await subjectsOf(jsm, bucket, "M");
  const stream = `OBJ_${bucket}`;
  for (let at = 0; at < subjects.length; at += AT_ONCE) {
    const page = subjects.slice(at, at + AT_ONCE);
    const found = await Promise.all(
      page.map((last_by_subj) => jsm.streams.getMessage(stream, { last_by_subj })),
    );
    yield* found.filter((message) => message !== null).map(metaIn);
  }
}

function metaIn(message: StoredMsg): Meta {
  return { info: message.json<ObjectInfo>(), storedAt: message.time.getTime() };
}
