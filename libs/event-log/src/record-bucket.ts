import { token, untoken } from "@fieldlog/contracts";
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  StoreCompression,
} from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { LogUnavailable, unavailable } from "./errors.js";
import { leaderHas } from "./message.js";
import { patiently } from "./patiently.js";
import { publish } from "./publish.js";
import { compressionOf } from "./streams.js";

/** Somebody else wrote or removed the record since it was read. */
export class RecordConflict extends Error {
  override readonly name = "RecordConflict";
}

/** Whose record it is. */
export interface RecordKey {
  /** Namespace id. */
  readonly namespace: string;
  readonly id: string;
}

export interface StoredRecord<R> extends RecordKey {
  readonly record: R;
  /** What a write or a removal must name. */
  readonly revision: number;
}

export interface RecordBucketOptions<R> {
  /** The bucket's name. */
  readonly name: string;
  /** Copies that NATS keeps. */
  readonly replicas: number;
  /** Milliseconds after its last write at which a record goes by itself; absent: it stays. */
  readonly ttlMs?: number;
  readonly encode: (record: R) => Uint8Array;
  /** Raises for what is no record. */
  readonly decode: (data: Uint8Array) => R;
}

/** Records asked for at once when all are read. */
const PULL = 256;
const PULL_EXPIRES_MS = 2_000;
/** Times in a row that none comes of those that there are, until the log counts as unavailable. */
const SILENT_PULLS = 15;
const CONFLICTS: readonly number[] = [
  JetStreamApiCodes.StreamWrongLastSequence,
  JetStreamApiCodes.StreamWrongLastSequenceUnknown,
];

/**
 * Small records that change, `<namespace>.<id>` each, in a JetStream key-value bucket; what is not history but where
 * somebody stands in it. Every write names the revision that it replaces, so of two writers one learns of the other.
 */
export class RecordBucket<R> {
  private readonly stream: string;

  private constructor(
    private readonly js: JetStreamClient,
    private readonly jsm: JetStreamManager,
    private readonly bucket: KV,
    private readonly options: RecordBucketOptions<R>,
  ) {
    this.stream = `KV_${options.name}`;
  }

  /** Makes the bucket where there is none. */
  static open<R>(connection: NatsConnection, options: RecordBucketOptions<R>): Promise<RecordBucket<R>> {
    return patiently(() => RecordBucket.opened(connection, options));
  }

  private static async opened<R>(
    connection: NatsConnection,
    options: RecordBucketOptions<R>,
  ): Promise<RecordBucket<R>> {
    const { name, replicas, ttlMs } = options;
    const compression = compressionOf(replicas);
    const js = jetstream(connection);
    // Read from the leader, so that a record is found as it was left.
    const bucket = await new Kvm(js).create(name, {
      ...{ history: 1, replicas, allow_direct: false, compression: compression !== StoreCompression.None },
      ...(ttlMs === undefined ? {} : { ttl: ttlMs }),
    });
    const jsm = await jetstreamManager(connection);
    const opened = new RecordBucket(js, jsm, bucket, options);
    const { config } = await jsm.streams.info(opened.stream);
    if (config.num_replicas !== replicas || config.compression !== compression) {
      await jsm.streams.update(opened.stream, { num_replicas: replicas, compression });
    }
    return opened;
  }

  /** Raises LogUnavailable. */
  async get({ namespace, id }: RecordKey): Promise<StoredRecord<R> | undefined> {
    try {
      const entry = await this.bucket.get(`${token(namespace)}.${token(id)}`);
      if (entry === null || entry.operation !== "PUT") return undefined;
      return { namespace, id, record: this.options.decode(entry.value), revision: entry.revision };
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * @param revision the one that was read; 0: there is none
   * @returns the new revision, once it is stored durably
   * @throws RecordConflict, LogUnavailable
   */
  async write({ namespace, id }: RecordKey, record: R, revision: number): Promise<number> {
    try {
      return await publish(this.js, {
        ...{ subject: `${this.root}${token(namespace)}.${token(id)}`, stream: this.stream },
        ...{ data: this.options.encode(record), expect: { lastSubjectSequence: revision } },
      });
    } catch (error) {
      if (error instanceof JetStreamApiError && CONFLICTS.includes(error.code)) throw new RecordConflict();
      throw unavailable(error);
    }
  }

  /**
   * Removes the revision, and leaves no trace of it. Raises RecordConflict, LogUnavailable.
   *
   * @param overwrite its bytes on disk, which takes longer: for what must not be found again
   */
  async remove(revision: number, overwrite = false): Promise<void> {
    try {
      // One revision per key is kept: if this one is gone, another has replaced it.
      await this.jsm.streams.deleteMessage(this.stream, revision, overwrite);
    } catch (error) {
      throw isNotFound(error) ? new RecordConflict() : unavailable(error);
    }
  }

  /** How many records all namespaces have together. Raises LogUnavailable. */
  async countAll(): Promise<number> {
    try {
      const { state } = await this.jsm.streams.info(this.stream);
      return state.messages;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** How many records a namespace has: work in proportion to their number. Raises LogUnavailable. */
  async count(namespace: string): Promise<number> {
    try {
      const subjects_filter = `${this.root}${token(namespace)}.*`;
      const { state } = await this.jsm.streams.info(this.stream, { subjects_filter });
      return Object.keys(state.subjects ?? {}).length;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * All that there are, in the order in which they were written; what cannot be decoded is passed over, after `onError`
   * was told. Raises LogUnavailable where those that are left do not come.
   *
   * @param after only those with a higher revision; default: from the first
   */
  async *all(onError: (error: Error) => void, after = 0): AsyncGenerator<StoredRecord<R>, void> {
    const { name, num_pending } = await this.jsm.consumers.add(this.stream, {
      ack_policy: AckPolicy.None,
      ...(after === 0
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }),
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(30_000),
    });
    try {
      const { state } = await this.jsm.streams.info(this.stream);
      const until = state.last_seq;
      let last = after;
      let left = num_pending;
      const isBehind = async () => (await leaderHas(this.jsm, this.stream, { after: last, until })) === true;
      const consumer = await this.jsm.jetstream().consumers.get(this.stream, name);
      for (let silent = 0; left > 0 || (await isBehind()); silent += 1) {
        if (silent > SILENT_PULLS)
          throw new LogUnavailable(`records of ${this.stream} after ${last} do not come`, 1);
        const messages = await consumer.fetch({ max_messages: PULL, expires: PULL_EXPIRES_MS });
        for await (const { subject, seq, data, info } of messages) {
          left = info.pending;
          last = seq;
          silent = -1;
          if (data.length > 0) {
            const found = this.read(subject, data, onError);
            if (found !== undefined) yield { ...found, revision: seq };
          }
          if (left === 0) void messages.close();
        }
        // They may be late, or have been removed meanwhile.
        if (silent >= 0) left = (await consumer.info()).num_pending;
      }
    } finally {
      await this.jsm.consumers.delete(this.stream, name).catch(() => undefined);
    }
  }

  private get root(): string {
    return `$KV.${this.options.name}.`;
  }

  private read(subject: string, data: Uint8Array, onError: (error: Error) => void) {
    const [namespace = "", id = ""] = subject.slice(this.root.length).split(".");
    try {
      return { namespace: untoken(namespace), id: untoken(id), record: this.options.decode(data) };
    } catch (error) {
      onError(error as Error);
      return undefined;
    }
  }
}

// https://github.com/nats-io/nats-server/blob/main/server/errors.json
const SEQUENCE_NOT_FOUND = 10_043;
const DELETE_FAILED = 10_057;

/** Of a removal. What is behind all that is left the server tells as a failure like any other, but for its words. */
function isNotFound(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  const { status, code, message } = error;
  if (code === DELETE_FAILED) return /no message found|deleted message/.test(message);
  return status === 404 || code === SEQUENCE_NOT_FOUND || code === JetStreamApiCodes.NoMessageFound;
}
