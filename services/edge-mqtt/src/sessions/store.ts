import { MQTT_SESSIONS } from "@fieldlog/contracts";
import { RecordBucket, RecordConflict, type RecordKey, type StoredRecord } from "@fieldlog/event-log";
import type { NatsConnection } from "@nats-io/transport-node";
import { decodeRecord, encodeRecord, type SessionRecord } from "./record.js";

export { RecordConflict };

export interface SessionKey {
  readonly namespace: string;
  readonly clientId: string;
}

export interface StoredSession extends SessionKey {
  readonly record: SessionRecord;
  /** What a write or a removal must name. */
  readonly revision: number;
}

/** The records of sessions, by namespace and client id. Every write names the revision that it replaces. */
export class SessionStore {
  private constructor(private readonly bucket: RecordBucket<SessionRecord>) {}

  /** Makes the bucket where there is none. */
  static async open(connection: NatsConnection, replicas: number): Promise<SessionStore> {
    const coding = { encode: encodeRecord, decode: decodeRecord };
    return new SessionStore(
      await RecordBucket.open(connection, { name: MQTT_SESSIONS, replicas, ...coding }),
    );
  }

  /** Raises LogUnavailable. */
  async get(key: SessionKey): Promise<StoredSession | undefined> {
    const found = await this.bucket.get(keyOf(key));
    return found && sessionOf(found);
  }

  /**
   * @param revision the one that was read; 0: there is none
   * @returns the new revision, once it is stored durably
   * @throws RecordConflict, LogUnavailable
   */
  write(key: SessionKey, record: SessionRecord, revision: number): Promise<number> {
    return this.bucket.write(keyOf(key), record, revision);
  }

  /** Removes the revision, and leaves no trace of it. Raises RecordConflict, LogUnavailable. */
  remove(revision: number): Promise<void> {
    return this.bucket.remove(revision);
  }

  /** How many sessions all namespaces have together. Raises LogUnavailable. */
  countAll(): Promise<number> {
    return this.bucket.countAll();
  }

  /** How many sessions a namespace has: work in proportion to their number. Raises LogUnavailable. */
  count(namespace: string): Promise<number> {
    return this.bucket.count(namespace);
  }

  /** All that there are; what cannot be decoded is passed over, after `onError` was told. */
  async *all(onError: (error: Error) => void): AsyncGenerator<StoredSession, void> {
    for await (const found of this.bucket.all(onError)) yield sessionOf(found);
  }
}

function keyOf({ namespace, clientId }: SessionKey): RecordKey {
  return { namespace, id: clientId };
}

function sessionOf({ namespace, id, record, revision }: StoredRecord<SessionRecord>): StoredSession {
  return { namespace, clientId: id, record, revision };
}
