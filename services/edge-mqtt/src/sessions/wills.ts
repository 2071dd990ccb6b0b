import { LogUnavailable } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { Counts } from "./counts.js";
import type { SessionRecord } from "./record.js";
import { RecordConflict, type SessionKey, type SessionStore, type StoredSession } from "./store.js";
import type { PublishWill } from "./types.js";

export interface WillsParts {
  readonly store: Pick<SessionStore, "get" | "write" | "remove">;
  readonly publishWill: PublishWill;
  readonly logger: Pick<Logger, "warn">;
  readonly counts: Counts;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Milliseconds within which this edge sees to a will itself; a later one is left to the sweep. */
const SOON_MS = 120_000;
/** Milliseconds that the edge which publishes a will has, before another tries. */
const LEASE_MS = 30_000;
const RETRY_MS = 5_000;

/** Publishes the wills of those who went without a word, each by one edge. */
export class Wills {
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(private readonly parts: WillsParts) {}

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  /** Sees to it that the will is published when it is due, if the session is not resumed before. */
  schedule(key: SessionKey, dueAt: number): void {
    const inMs = Math.max(0, dueAt - this.parts.now());
    if (inMs > SOON_MS) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.look(key);
    }, inMs).unref();
    this.timers.add(timer);
  }

  /**
   * Publishes the session's will if it is due and no other edge is at it.
   *
   * @returns whether there is nothing more to be done about it here
   * @throws LogUnavailable
   */
  async publishDue(session: StoredSession): Promise<boolean> {
    const { store, publishWill, now, counts } = this.parts;
    const { record, namespace, clientId } = session;
    const { will, principal } = record;
    if (!isDue(record, now()) || will === undefined) return true;
    try {
      const leased = { ...record, willDueAt: now() + LEASE_MS };
      const revision = await store.write(session, leased, session.revision);
      const published = await publishWill({ namespace, clientId, principal }, will);
      if (!published) {
        const dueAt = now() + RETRY_MS;
        await store.write(session, { ...record, willDueAt: dueAt }, revision);
        this.schedule(session, dueAt);
        return false;
      }
      counts.wills++;
      const rest = { ...record, will: undefined, willDueAt: undefined };
      if (hasExpired(rest, now())) await store.remove(revision);
      else await store.write(session, rest, revision);
      return true;
    } catch (error) {
      if (error instanceof RecordConflict) return true;
      throw error;
    }
  }

  private async look(key: SessionKey): Promise<void> {
    try {
      const session = await this.parts.store.get(key);
      if (session !== undefined) await this.publishDue(session);
    } catch (err) {
      const { namespace, clientId } = key;
      this.parts.logger.warn({ err, namespace, clientId }, "a will could not be published; trying again");
      if (err instanceof LogUnavailable) this.schedule(key, this.parts.now() + RETRY_MS);
    }
  }
}

/** Whether the will is to be published now. */
export function isDue({ owner, willDueAt }: SessionRecord, now: number): boolean {
  return owner === "" && willDueAt !== undefined && willDueAt <= now;
}

/** Whether the session has ended. */
export function hasExpired({ owner, expiresAt }: SessionRecord, now: number): boolean {
  return owner === "" && expiresAt !== undefined && expiresAt <= now;
}

/** The record once the connection has ended, `publishWill` telling whether without a proper DISCONNECT. */
export function disconnected(record: SessionRecord, publishWill: boolean, now: number): SessionRecord {
  const { will, expiryS } = record;
  const left = { ...record, owner: "", expiresAt: now + expiryS * 1000 };
  if (will === undefined || !publishWill) return { ...left, will: undefined, willDueAt: undefined };
  // After its delay, or when the session ends if that is sooner [MQTT-3.1.3-9].
  return { ...left, willDueAt: now + Math.min(will.delayS, expiryS) * 1000 };
}
