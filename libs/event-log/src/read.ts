import { setTimeout as delay } from "node:timers/promises";
import type { StreamName } from "@fieldlog/contracts";
import {
  AckPolicy,
  type Consumer,
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { clearedBelow } from "./clearings.js";
import { LogGap } from "./errors.js";
import { leaderHas, messageOrNull } from "./message.js";

/** One message of a stream. */
export interface Commit {
  readonly stream: StreamName;
  readonly sequence: number;
  /** The sequence after which it comes, where it is not the one before: what stood between was cleared. */
  readonly after?: number | undefined;
  readonly subject: string;
  /** When the server stored it. */
  readonly time: Date;
  readonly data: Uint8Array;
  /** W3C traceparent, where a request that led to it was traced. */
  readonly traceParent?: string | undefined;
}

export interface ReadOptions {
  /** Sequence after which to begin; 0: the whole log. */
  readonly after: number;
  /** Instead of `after`: begin with what was stored at or after this time. */
  readonly startTime?: Date;
  /**
   * Only what has this subject. What others stored in between is no gap then, and what was cleared is not
   * noticed; that the server left nothing out is told by its count of deliveries.
   */
  readonly subject?: string;
  /** Ends the reading once nothing more is there at or before this sequence, which must be in the log by now. */
  readonly until?: number;
  /** Messages asked for at once. Default 128, which bounds memory to 64 MiB. */
  readonly pull?: number;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
  /** Told why a consumer was given up and made anew; for logs. */
  readonly onInterruption?: (error: Error) => void;
}

const PULL = 128;
/** Milliseconds after which an idle pull is renewed; two missed heartbeats (half of it each) end it. */
const PULL_EXPIRES_MS = 10_000;
const PAUSE_MS = 250;
/**
 * Milliseconds after which a cluster knows where its log ends: a new leader has applied what it was chosen for having,
 * and one that was parted from the others has noticed that (after 10 to 20 s) and answers no more.
 */
const SETTLED_MS = 60_000;

/**
 * Reads a stream in order from a position on, for ever. Each array is what has arrived, at least one
 * commit. Its consumer is ephemeral and is made anew from the last delivered sequence after whatever
 * happens to it, the server or the connection; the reader's own count of sequences is what is believed.
 * Sequences that were cleared are passed over, and the commit behind them says so (`after`).
 *
 * @throws LogGap if a sequence is really not in the stream, and was not cleared
 */
export async function* read(
  nc: NatsConnection,
  jsm: JetStreamManager,
  stream: StreamName,
  options: ReadOptions,
): AsyncGenerator<Commit[], void> {
  const { signal, subject, until } = options;
  let last = options.startTime === undefined ? options.after : undefined;
  // Below it commits may be missing; as far as it was asked for.
  let cleared = 0;
  while (!signal?.aborted) {
    let pulls: Pulls | undefined;
    try {
      pulls = await Pulls.open(nc, jsm, stream, last, options);
      last ??= pulls.before;
      if (until !== undefined && (await nothingMore(jsm, stream, pulls, { after: last, until, subject })))
        return;
      let missed = false;
      for await (const commits of pulls.batches(signal)) {
        for (const commit of commits) {
          if (subject === undefined && commit.sequence !== last + 1) {
            if (commit.sequence > cleared) cleared = await confirmGap(jsm, stream, last + 1, commit.sequence);
            commit.after = last;
          }
          last = commit.sequence;
        }
        if (commits.length > 0) yield commits;
        if (until !== undefined && (await nothingMore(jsm, stream, pulls, { after: last, until, subject })))
          return;
        const misses =
          commits.length === 0 && (await leaderHas(jsm, stream, { after: last, subject })) === true;
        if (misses && missed) throw new Error(`the copy beside the consumer lacks what comes after ${last}`);
        missed = misses;
      }
    } catch (error) {
      if (error instanceof LogGap) throw error;
      if (signal?.aborted) return;
      options.onInterruption?.(error as Error);
      await delay(PAUSE_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    } finally {
      await pulls?.close();
    }
  }
}

/** Whether nothing more is there up to a sequence. */
async function nothingMore(
  jsm: JetStreamManager,
  stream: StreamName,
  pulls: Pulls,
  range: { after: number; until: number; subject: string | undefined },
): Promise<boolean> {
  if (range.after >= range.until) return true;
  return pulls.pending === 0 && (await leaderHas(jsm, stream, range)) !== true;
}

/** The sequence before the first that was stored at or after the time: where a consumer that begins there stands. */
export async function sequenceBefore(jsm: JetStreamManager, stream: StreamName, time: Date): Promise<number> {
  const { name, delivered } = await jsm.consumers.add(stream, {
    ...{ ack_policy: AckPolicy.None, mem_storage: true, num_replicas: 1, inactive_threshold: nanos(5_000) },
    ...{ deliver_policy: DeliverPolicy.StartTime, opt_start_time: time.toISOString() },
  });
  await jsm.consumers.delete(stream, name).catch(() => undefined);
  return delivered.stream_seq;
}

/**
 * Raises LogGap if the sequences are not in the stream and were not cleared, another error if the delivery skipped
 * them. Resolves with the sequence below which they may be missing, since it was cleared.
 */
async function confirmGap(jsm: JetStreamManager, stream: StreamName, expected: number, actual: number) {
  const message = await messageOrNull(jsm, stream, { seq: expected });
  if (message !== null) throw new Error(`the consumer skipped from ${expected} to ${actual}`);
  const cleared = await clearedBelow(jsm, stream);
  const { state } = await jsm.streams.info(stream);
  // A server that knows that it lost messages cannot be told from one that cleared them.
  if (actual > cleared || (state.lost?.msgs?.length ?? 0) > 0) throw new LogGap(stream, expected, actual);
  return cleared;
}

/**
 * Raises LogGap if the log ends before what was already read: it has lost its tail. Of a cluster that is believed only
 * if it stays so, since a new leader answers before it has applied everything that it has, and an old one while it does not
 * know that it is parted from the others.
 */
async function confirmTail(
  jsm: JetStreamManager,
  stream: StreamName,
  last: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = Date.now() + SETTLED_MS;
  for (;;) {
    const { state, config } = await jsm.streams.info(stream);
    if (last <= state.last_seq || signal?.aborted) return;
    if (config.num_replicas === 1 || Date.now() > deadline) throw new LogGap(stream, last, state.last_seq);
    await delay(PAUSE_MS);
  }
}

/** An ephemeral consumer, and its pulls. */
class Pulls {
  /** What was there for it, when it delivered last, after that. */
  pending: number;
  private current: ConsumerMessages | undefined;
  private closed = false;
  private delivered = 0;
  /** The last pull brought nothing, although there was something. */
  private stalled = false;

  private constructor(
    private readonly nc: NatsConnection,
    private readonly jsm: JetStreamManager,
    private readonly stream: StreamName,
    private readonly consumer: Consumer,
    private readonly name: string,
    /** The sequence before the first that the consumer delivers. */
    readonly before: number,
    pending: number,
    private readonly pull: number,
  ) {
    this.pending = pending;
  }

  static async open(
    nc: NatsConnection,
    jsm: JetStreamManager,
    stream: StreamName,
    last: number | undefined,
    options: ReadOptions,
  ): Promise<Pulls> {
    const { startTime, subject } = options;
    if (last !== undefined) await confirmTail(jsm, stream, last, options.signal);
    const info = await jsm.consumers.add(stream, {
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(60_000),
      ...(subject === undefined ? {} : { filter_subject: subject }),
      ...(last === undefined
        ? {
            deliver_policy: DeliverPolicy.StartTime,
            opt_start_time: (startTime ?? new Date(0)).toISOString(),
          }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 }),
    });
    const consumer = await jsm.jetstream().consumers.get(stream, info.name);
    const before = last ?? info.delivered.stream_seq;
    return new Pulls(nc, jsm, stream, consumer, info.name, before, info.num_pending, options.pull ?? PULL);
  }

  /** What has arrived; nothing, where a whole pull brought nothing. */
  async *batches(signal: AbortSignal | undefined): AsyncGenerator<StoredCommit[], void> {
    const stop = () => void this.current?.close();
    signal?.addEventListener("abort", stop);
    const statuses = this.watchReconnects();
    try {
      while (!signal?.aborted && !this.closed) {
        this.current = await this.consumer.fetch({ max_messages: this.pull, expires: PULL_EXPIRES_MS });
        // What ended it while the pull was being asked for could not close it.
        if (signal?.aborted || this.closed) void this.current.close();
        let commits: StoredCommit[] = [];
        const before = this.delivered;
        for await (const message of this.current) {
          this.count(message);
          commits.push(new StoredCommit(this.stream, message.seq, message));
          // Give what has arrived as one array; the pull itself stays open for more.
          if (this.current.getPending() === 0) {
            yield commits;
            commits = [];
          }
        }
        if (commits.length > 0) yield commits;
        if (this.delivered === before && !signal?.aborted && !this.closed) {
          await this.confirmIdle();
          yield [];
        } else this.stalled = false;
      }
      if (this.closed && !signal?.aborted) throw new Error("the connection was interrupted");
    } finally {
      signal?.removeEventListener("abort", stop);
      statuses.stop();
    }
  }

  /** A whole pull brought nothing: raises an error if there was something to deliver, now and the time before. */
  private async confirmIdle(): Promise<void> {
    const { num_pending: pending } = await this.consumer.info();
    if (pending > 0 && this.stalled)
      throw new Error(`the consumer does not deliver, and has ${pending} to deliver`);
    this.stalled = pending > 0;
  }

  /** A delivery that did not arrive is a reason for a new consumer. */
  private count(message: JsMsg): void {
    const { deliverySequence, pending } = message.info;
    if (deliverySequence !== ++this.delivered) {
      throw new Error(`delivery ${this.delivered} did not arrive: what came is ${deliverySequence}`);
    }
    this.pending = pending;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.current?.close();
    await this.jsm.consumers.delete(this.stream, this.name).catch(() => undefined);
  }

  /** After a reconnect the consumer, which lives in the server's memory, may be gone: better make a new one. */
  private watchReconnects() {
    const status = this.nc.status();
    const watch = async () => {
      for await (const event of status) {
        if (event.type !== "reconnect") continue;
        this.closed = true;
        await this.current?.close();
      }
    };
    void watch();
    return { stop: () => (status as unknown as { stop(): void }).stop() };
  }
}

/** A message as a commit. Its headers are read only by who asks for the trace, which few do. */
export class StoredCommit implements Commit {
  after: number | undefined;

  constructor(
    readonly stream: StreamName,
    readonly sequence: number,
    private readonly message: JsMsg,
  ) {}

  get subject(): string {
    return this.message.subject;
  }
  get time(): Date {
    return this.message.time;
  }
  get data(): Uint8Array {
    return this.message.data;
  }
  get traceParent(): string | undefined {
    return this.message.headers?.get("traceparent") || undefined;
  }
}
