import { MQTT_SESSIONS, token, untoken } from "@fieldlog/contracts";
import { LogUnavailable, publish } from "@fieldlog/event-log";
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { decodeRecord, encodeRecord, type SessionRecord } from "./record.js";

/** Another edge wrote or removed the record since it was read. */
export class RecordConflict extends Error {
  override readonly name = "RecordConflict";
}

export interface SessionKey {
  readonly namespace: string;
  readonly clientId: string;
}

export interface StoredSession extends SessionKey {
  readonly record: SessionRecord;
  /** What a write or a removal must name. */
  readonly revision: number;
}

/** Records asked for at once when all are read. */
const PULL = 256;
const PULL_EXPIRES_MS = 2_000;

/** The records of sessions, in a JetStream key-value bucket. Every write names the revision that it replaces. */
export class SessionStore {
  private constructor(
    private readonly js: JetStreamClient,
    private readonly jsm: JetStreamManager,
    private readonly bucket: KV,
  ) {}

  /** Makes the bucket where there is none. */
  static async open(connection: NatsConnection, replicas: number): Promise<SessionStore> {
    const js = jetstream(connection);
    // Read from the leader, so that a session is found as it was left.
    const bucket = await new Kvm(js).create(MQTT_SESSIONS, {
      ...{ history: 1, replicas, allow_direct: false, compression: true },
    });
    const jsm = await jetstreamManager(connection);
    const { config } = await jsm.streams.info(STREAM);
    if (config.num_replicas !== replicas) await jsm.streams.update(STREAM, { num_replicas: replicas });
    return new SessionStore(js, jsm, bucket);
  }

  /** Raises LogUnavailable. */
  async get(key: SessionKey): Promise<StoredSession | undefined> {
    try {
      const entry = await this.bucket.get(nameOf(key));
      if (entry === null || entry.operation !== "PUT") return undefined;
      return { ...key, record: decodeRecord(entry.value), revision: entry.revision };
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * @param revision the one that was read; 0: there is none
   * @returns the new revision, once it is stored durably
   * @throws RecordConflict, LogUnavailable
   */
  async write(key: SessionKey, record: SessionRecord, revision: number): Promise<number> {
    try {
      return await publish(this.js, {
        ...{ subject: subjectOf(key), data: encodeRecord(record), stream: STREAM },
        expect: { lastSubjectSequence: revision },
      });
    } catch (error) {
      if (isConflict(error)) throw new RecordConflict();
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
      if (error instanceof JetStreamApiError && error.code === NOT_FOUND) throw new RecordConflict();
      throw unavailable(error);
    }
  }

  /** How many sessions all namespaces have together. Raises LogUnavailable. */
  async countAll(): Promise<number> {
    try {
      const { state } = await this.jsm.streams.info(STREAM);
      return state.messages;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** How many sessions a namespace has: work in proportion to their number. Raises LogUnavailable. */
  async count(namespace: string): Promise<number> {
    try {
      const { state } = await this.jsm.streams.info(STREAM, { subjects_filter: allOf(namespace) });
      return Object.keys(state.subjects ?? {}).length;
    } catch (error) {
      throw unavailable(error);
    }
  }

  private read(subject: string, data: Uint8Array, onError: (error: Error) => void) {
    const [, , namespace = "", clientId = ""] = subject.split(".");
    try {
      return { namespace: untoken(namespace), clientId: untoken(clientId), record: decodeRecord(data) };
    } catch (error) {
      onError(error as Error);
      return undefined;
    }
  }

  /** All that there are; what cannot be decoded is passed over, after `onError` was told. */
  async *all(onError: (error: Error) => void): AsyncGenerator<StoredSession, void> {
    const { name, num_pending } = await this.jsm.consumers.add(STREAM, {
      ack_policy: AckPolicy.None,
      deliver_policy: DeliverPolicy.All,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(30_000),
    });
    try {
      let left = num_pending;
      const consumer = await this.jsm.jetstream().consumers.get(STREAM, name);
      while (left > 0) {
        left = 0;
        const messages = await consumer.fetch({ max_messages: PULL, expires: PULL_EXPIRES_MS });
        for await (const { subject, seq, data, info } of messages) {
          left = info.pending;
          if (data.length > 0) {
            const found = this.read(subject, data, onError);
            if (found !== undefined) yield { ...found, revision: seq };
          }
          if (left === 0) void messages.close();
        }
      }
    } finally {
      await this.jsm.consumers.delete(STREAM, name).catch(() => undefined);
    }
  }
}

const STREAM = `KV_${MQTT_SESSIONS}`;
/** "no message found": https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const NOT_FOUND = JetStreamApiCodes.NoMessageFound;

function nameOf({ namespace, clientId }: SessionKey): string {
  return `${token(namespace)}.${token(clientId)}`;
}

function subjectOf(key: SessionKey): string {
  return `$KV.${MQTT_SESSIONS}.${nameOf(key)}`;
}

function allOf(namespace: string): string {
  return `$KV.${MQTT_SESSIONS}.${token(namespace)}.*`;
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof JetStreamApiError &&
    (error.code === JetStreamApiCodes.StreamWrongLastSequence ||
      error.code === JetStreamApiCodes.StreamWrongLastSequenceUnknown)
  );
}

function unavailable(error: unknown): Error {
  if (error instanceof LogUnavailable) return error;
  return new LogUnavailable((error as Error).message, 1, { cause: error });
}
