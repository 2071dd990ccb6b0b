import type { Position } from "@fieldlog/contracts";
import { RecordConflict } from "@fieldlog/event-log";
import { type NatsConnection, nuid } from "@nats-io/transport-node";
import { Held } from "./held.js";
import { type CursorRecord, isConnected, taken, type Via } from "./record.js";
import { openRecordStore, type RecordStore, type StoredCursor, type SubscriptionKey } from "./store.js";

const TICK_MS = 1_000;
/** Times that a record is read again after somebody else was quicker to write it. */
const ATTEMPTS = 16;

export interface AcquireOptions {
  /** Names the replica, for whoever looks into the record. */
  readonly holder: string;
  readonly via: Via;
  /** Where to begin if it was never read. */
  readonly startAfter: Position;
  /** Whether a holder has shown elsewhere that it is gone; absent: its record does, by beats. */
  readonly isGone?: (holder: string) => boolean;
}

/** How far each durable subscription was delivered: who reads one holds its record, and writes there how far it is. */
export class CursorRecords {
  private readonly held = new Set<Held>();
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly store: RecordStore,
    private readonly now: () => number,
  ) {
    this.timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** @param now the clock; ms since 1970 UTC */
  static async open(
    connection: NatsConnection,
    replicas: number,
    now: () => number = Date.now,
  ): Promise<CursorRecords> {
    return new CursorRecords(await openRecordStore(connection, replicas), now);
  }

  /** As it was written last. Raises LogUnavailable. */
  async get(namespace: string, id: string): Promise<CursorRecord | undefined> {
    return (await this.store.get({ namespace, id }))?.record;
  }

  /** Takes the record from whoever holds it, who learns of that with its next write. Raises LogUnavailable. */
  async acquire(namespace: string, id: string, options: AcquireOptions): Promise<Held> {
    return (await this.take({ namespace, id }, options, () => true)) as Held;
  }

  /** Takes the record unless somebody holds it; undefined: somebody does. Raises LogUnavailable. */
  acquireFree(namespace: string, id: string, options: AcquireOptions): Promise<Held | undefined> {
    const { isGone } = options;
    const isFree = (record: CursorRecord) =>
      isGone ? !record.connected || isGone(record.holder) : !isConnected(record, this.now());
    return this.take({ namespace, id }, options, isFree);
  }

  /** Of a subscription that is removed. Whoever holds the record loses it. Raises LogUnavailable. */
  async remove(namespace: string, id: string): Promise<void> {
    await this.insist(async () => {
      const found = await this.store.get({ namespace, id });
      if (found !== undefined) await this.store.remove(found.revision);
    });
  }

  /** Releases what is still held. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all([...this.held].map((held) => held.release()));
  }

  private async take(
    key: SubscriptionKey,
    options: AcquireOptions,
    may: (record: CursorRecord) => boolean,
  ): Promise<Held | undefined> {
    const { store, now } = this;
    const holder = `${options.holder}.${nuid.next()}`;
    return await this.insist(async () => {
      const found = await store.get(key);
      if (found !== undefined && !may(found.record)) return undefined;
      const record = taken(found?.record, { ...options, holder }, now());
      const before = found?.revision ?? 0;
      try {
        return this.hold(options, { ...key, record, revision: await store.write(key, record, before) });
      } catch (error) {
        // It may be stored all the same, and one that does not beat is free only once it says so.
        if (!(error instanceof RecordConflict) && options.isGone) {
          void this.hold(options, { ...key, record, revision: before }).release();
        }
        throw error;
      }
    });
  }

  private hold({ isGone }: AcquireOptions, { namespace, id, ...stored }: StoredCursor): Held {
    const { store, now } = this;
    const onEnd = (ended: Held) => void this.held.delete(ended);
    const parts = { store, key: { namespace, id }, now, beats: isGone === undefined, onEnd };
    const held = new Held(parts, { namespace, id, ...stored });
    this.held.add(held);
    return held;
  }

  private tick(): void {
    for (const held of this.held) void held.tick();
  }

  private async insist<T>(attempt: () => Promise<T>): Promise<T> {
    for (let left = ATTEMPTS; ; left--) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RecordConflict) || left === 1) throw error;
      }
    }
  }
}
