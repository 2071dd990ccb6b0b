import { SUBSCRIPTION_CURSORS, token } from "@fieldlog/contracts";
import { LogUnavailable, publish } from "@fieldlog/event-log";
import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { type CursorRecord, decodeRecord, encodeRecord } from "./record.js";

/** Somebody else wrote or removed the record since it was read. */
export class RecordConflict extends Error {
  override readonly name = "RecordConflict";
}

/** Whose record it is. */
export interface SubscriptionKey {
  /** Namespace id. */
  readonly namespace: string;
  readonly id: string;
}

export interface StoredRecord {
  readonly record: CursorRecord;
  /** What a write or a removal must name. */
  readonly revision: number;
}

const STREAM = `KV_${SUBSCRIPTION_CURSORS}`;

/** The records in their JetStream key-value bucket. Every write names the revision that it replaces. */
export class RecordStore {
  private constructor(
    private readonly js: JetStreamClient,
    private readonly jsm: JetStreamManager,
    private readonly bucket: KV,
  ) {}

  /** Makes the bucket where there is none. */
  static async open(connection: NatsConnection, replicas: number): Promise<RecordStore> {
    const js = jetstream(connection);
    // Read from the leader, so that a record is found as it was left.
    const bucket = await new Kvm(js).create(SUBSCRIPTION_CURSORS, {
      ...{ history: 1, replicas, allow_direct: false, compression: true },
    });
    const jsm = await jetstreamManager(connection);
    const { config } = await jsm.streams.info(STREAM);
    if (config.num_replicas !== replicas) await jsm.streams.update(STREAM, { num_replicas: replicas });
    return new RecordStore(js, jsm, bucket);
  }

  /** Raises LogUnavailable. */
  async get(key: SubscriptionKey): Promise<StoredRecord | undefined> {
    try {
      const entry = await this.bucket.get(nameOf(key));
      if (entry === null || entry.operation !== "PUT") return undefined;
      return { record: decodeRecord(entry.value), revision: entry.revision };
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * @param revision the one that was read; 0: there is none
   * @returns the new revision, once it is stored durably
   * @throws RecordConflict, LogUnavailable
   */
  async write(key: SubscriptionKey, record: CursorRecord, revision: number): Promise<number> {
    try {
      return await publish(this.js, {
        ...{ subject: `$KV.${SUBSCRIPTION_CURSORS}.${nameOf(key)}`, stream: STREAM },
        ...{ data: encodeRecord(record), expect: { lastSubjectSequence: revision } },
      });
    } catch (error) {
      if (error instanceof JetStreamApiError && CONFLICTS.includes(error.code)) throw new RecordConflict();
      throw unavailable(error);
    }
  }

  /** Removes the revision, and leaves no trace of it. Raises RecordConflict, LogUnavailable. */
  async remove(revision: number): Promise<void> {
    try {
      // One revision per key is kept: if this one is gone, another has replaced it.
      await this.jsm.streams.deleteMessage(STREAM, revision, false);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.status === 404) throw new RecordConflict();
      if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) {
        throw new RecordConflict();
      }
      throw unavailable(error);
    }
  }
}

const CONFLICTS: readonly number[] = [
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
];

function nameOf({ namespace, id }: SubscriptionKey): string {
  return `${token(namespace)}.${token(id)}`;
}

function unavailable(error: unknown): Error {
  if (error instanceof LogUnavailable) return error;
  return new LogUnavailable((error as Error).message, 1, { cause: error });
}
