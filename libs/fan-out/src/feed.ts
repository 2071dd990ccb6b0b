import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { endOf, type Position, sequenceOf, signalsStream, signalsSubject } from "@fieldlog/contracts";
import { clearedBy, type EventLog, LogGap } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { ErasedDevices } from "./erased-devices.js";
import type { Index, Kind, Message, ReadCommit, Subscribed } from "./kind.js";

/** Who follows a feed: a subscriber's cursor. */
export interface Follower<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  /** A message that some of its subscriptions match. */
  offer(commit: C, message: M, subscriptions: readonly S[]): void;
  /** The log has lost what came after that position. */
  rewind(position: Position): void;
}

/** A subscription of a follower. */
export interface Placed<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  /** The subscription, as the list that it is where no other one of its follower matches. */
  readonly alone: readonly [S];
  readonly follower: Follower<M, C, S>;
}

/** Bytes that all windows of an edge hold. */
export interface WindowBytes {
  held: number;
}

export interface FeedOptions<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  readonly kind: Kind<M, C, S>;
  readonly log: Pick<EventLog, "read" | "lastSequence">;
  readonly namespace: string;
  readonly logger: Pick<Logger, "warn" | "error">;
  readonly windows: WindowBytes;
  /** Whose signals are left out. Default: nobody's. */
  readonly erased?: Pick<ErasedDevices, "ready" | "without">;
}

const WINDOW_COMMITS = 1_024;
const WINDOW_BYTES = 4 * 1024 * 1024;
const ALL_WINDOWS_BYTES = 64 * 1024 * 1024;
const PAUSE_MS = 500;
/** Messages and deliveries after which others have their turn: a few milliseconds. */
const WORK_PER_TURN = 2_048;

/** Follows one namespace's log live, while somebody on this edge subscribes, and keeps the recent commits. */
export class Feed<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  /** Resolves once {@link tip} is known. */
  readonly ready: Promise<void>;
  /** All commits of the namespace up to this sequence were offered. */
  tip = 0;
  private readonly placed: Index<M, Placed<M, C, S>>;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private window: C[] = [];
  private windowBytes = 0;
  /** Every commit after this sequence is in the window. */
  private from = 0;
  private known = false;
  private work = 0;
  private readonly hits = new Map<Follower<M, C, S>, readonly S[]>();

  constructor(private readonly options: FeedOptions<M, C, S>) {
    this.placed = options.kind.index(({ alone: [subscription] }) => subscription);
    let ready: () => void = () => undefined;
    this.ready = new Promise((resolve) => {
      ready = resolve;
    });
    this.running = this.run(ready);
  }

  add(placed: Placed<M, C, S>): void {
    this.placed.add(placed);
  }

  delete(placed: Placed<M, C, S>): void {
    this.placed.delete(placed);
  }

  /** Whether the window has all that comes after the position. */
  reaches(position: Position): boolean {
    return this.known && (sequenceOf(position) > this.from || position >= endOf(this.from));
  }

  /** The first commit in the window that holds something after the position; undefined: there is none. */
  next(position: Position): C | undefined {
    let low = 0;
    let high = this.window.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const sequence = this.window[middle]?.sequence ?? 0;
      if (endOf(sequence) > position) high = middle;
      else low = middle + 1;
    }
    return this.window[low];
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.options.windows.held -= this.windowBytes;
    this.window = [];
    this.windowBytes = 0;
  }

  private async run(ready: () => void): Promise<void> {
    const { log, namespace, logger } = this.options;
    const { signal } = this.stopping;
    const stream = signalsStream(namespace);
    const subject = signalsSubject(namespace);
    while (!signal.aborted) {
      try {
        await this.options.erased?.ready;
        if (!this.known) this.begin(await log.lastSequence(stream));
        ready();
        for await (const commits of log.read(stream, { after: this.tip, subject, signal })) {
          for (const commit of commits) {
            if (clearedBy(commit)) this.clear(commit.sequence);
            else await this.take(commit.sequence, commit.data);
          }
        }
      } catch (err) {
        logger.warn({ err, namespace }, "following a namespace was interrupted; trying again");
        if (err instanceof LogGap) this.rewind(err.actual);
      }
      if (!signal.aborted) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
    ready();
  }

  private begin(sequence: number): void {
    this.tip = sequence;
    this.from = sequence;
    this.known = true;
  }

  private async take(sequence: number, data: Uint8Array): Promise<void> {
    const { kind, logger, namespace, erased } = this.options;
    const shown = erased?.without(namespace, sequence, data) ?? data;
    // A copy of its own: what the client library gives is a view of much more.
    const commit = kind.read(namespace, sequence, Buffer.from(shown), (err) =>
      logger.error({ err, namespace, sequence }, "passed over what cannot be read"),
    );
    this.keep(commit);
    for (const message of commit.messages) {
      this.work += 1 + this.offer(commit, message);
      if (this.work < WORK_PER_TURN) continue;
      this.work = 0;
      // Who has caught up meanwhile has got this commit from the window, and leaves out what is offered of it.
      await turn();
    }
    this.tip = sequence;
  }

  /** Returns to how many. */
  private offer(commit: C, message: M): number {
    const { hits } = this;
    this.placed.match(message, ({ follower, alone }) => {
      const found = hits.get(follower);
      hits.set(follower, found === undefined ? alone : [...found, ...alone]);
    });
    const { size } = hits;
    for (const [follower, subscriptions] of hits) {
      try {
        follower.offer(commit, message, subscriptions);
      } catch (err) {
        this.options.logger.error({ err }, "a subscriber could not take a message");
      }
    }
    hits.clear();
    return size;
  }

  private keep(commit: C): void {
    const { windows } = this.options;
    this.window.push(commit);
    this.windowBytes += commit.bytes;
    windows.held += commit.bytes;
    while (
      this.window.length > WINDOW_COMMITS ||
      this.windowBytes > WINDOW_BYTES ||
      (windows.held > ALL_WINDOWS_BYTES && this.window.length > 1)
    ) {
      const first = this.window.shift();
      if (first === undefined) return;
      this.from = first.sequence;
      this.windowBytes -= first.bytes;
      windows.held -= first.bytes;
    }
  }

  /** What stood before is not to be had from here any more. */
  private clear(sequence: number): void {
    this.options.windows.held -= this.windowBytes;
    this.window = [];
    this.windowBytes = 0;
    this.begin(sequence);
  }

  /** The log ends before what was read: it has lost its tail, and will use these sequences again. */
  private rewind(sequence: number): void {
    this.clear(sequence);
    const followers = new Set<Follower<M, C, S>>();
    this.placed.each(({ follower }) => followers.add(follower));
    for (const follower of followers) follower.rewind(endOf(sequence));
  }
}
