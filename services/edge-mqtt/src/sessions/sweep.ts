import type { Logger } from "@fieldlog/runtime";
import { groupName } from "../subscriptions/shared-feed.js";
import type { SharedFeeds } from "../subscriptions/shared-feeds.js";
import type { Edges } from "./edges.js";
import { RecordConflict, type SessionKey, type SessionStore, type StoredSession } from "./store.js";
import { disconnected, hasExpired, type Wills } from "./wills.js";

export interface SweepParts {
  readonly store: SessionStore;
  readonly edges: Pick<Edges, "id" | "certain" | "isAlive">;
  readonly wills: Wills;
  readonly shared: Pick<SharedFeeds, "deleteOthers">;
  /** Whether the client is connected, or is being connected, to this edge. */
  readonly holds: (key: SessionKey) => boolean;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/**
 * Goes through all records: those of edges that died are disconnected, wills that are due published, sessions that
 * have expired removed, and places of shared subscriptions that nobody has any more forgotten. Several edges may do
 * so at once: each record is changed by one of them.
 */
export async function sweep(parts: SweepParts): Promise<void> {
  const { store, logger, shared } = parts;
  const named = new Set<string>();
  for await (const session of store.all((err) => logger.error({ err }, "a session that cannot be read"))) {
    const { namespace, record } = session;
    for (const { share, filter } of record.subscriptions) {
      if (share === undefined) continue;
      // Whether it shares alone depends on what its principal may do, which is not kept.
      for (const owner of [undefined, record.principal]) {
        named.add(groupName({ namespace, share, filter, owner }));
      }
    }
    try {
      await sweepOne(parts, session);
    } catch (error) {
      // Another edge was faster, or the client is back.
      if (!(error instanceof RecordConflict)) throw error;
    }
  }
  await shared.deleteOthers(named);
}

async function sweepOne(parts: SweepParts, session: StoredSession): Promise<void> {
  const { store, wills, now } = parts;
  let { record, revision } = session;
  if (record.owner !== "") {
    if (!isOrphan(parts, session)) return;
    record = disconnected(record, true, now());
    revision = await store.write(session, record, revision);
    if (record.willDueAt !== undefined) wills.schedule(session, record.willDueAt);
  }
  if (record.will !== undefined) await wills.publishDue({ ...session, record, revision });
  else if (hasExpired(record, now())) await store.remove(revision);
}

/** Whether the edge that held it does so no more. */
function isOrphan({ edges, holds }: SweepParts, { record, ...key }: StoredSession): boolean {
  if (record.owner === edges.id) return !holds(key);
  return edges.certain && !edges.isAlive(record.owner);
}
