import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { endOf, type Position, sequenceOf, signalsStream, signalsSubject } from "@fieldlog/contracts";
import { type EventLog, LogGap } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { Feed, Follower, Placed } from "./feed.js";
import type { Feeds } from "./feeds.js";
import type { Index, Message, ReadCommit, Subscribed } from "./kind.js";
import type { Slots } from "./slots.js";

/** The way from a cursor to its subscriber. `T` is how one message goes to it. */
export interface Outlet<M extends Message, C extends ReadCommit<M>, S extends Subscribed, T> {
  /** How the message goes to the subscriber, of whose subscriptions these match; undefined: not at all. */
  terms(subscriptions: readonly S[], message: M): T | undefined;
  /** Asked before each message. */
  hasRoom(): boolean;
  /** Resolves to true once there is room, to false after `ms` without. */
  roomed(ms?: number): Promise<boolean>;
  deliver(commit: C, message: M, terms: T): void;
  /** The cursor has moved. */
  moved(): void;
  /** The cursor has come to the end of what there is; the rest goes out as it comes. */
  caughtUp?(): void;
}

export interface CursorParts<M extends Message, C extends ReadCommit<M>, S extends Subscribed, T> {
  readonly log: Pick<EventLog, "read">;
  readonly feeds: Feeds<M, C, S>;
  readonly namespace: string;
  readonly outlet: Outlet<M, C, S, T>;
  /** Bounds how many cursors read the log at the same time. */
  readonly readers: Slots;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** Told each time that it has to read the log. */
  readonly onCatchUp?: () => void;
}

/** Commits asked for at once by a cursor that is behind: at most 8 MiB. */
const PULL = 16;
/** Milliseconds that a subscriber may take no more before its reading of the log is given up, to be begun again. */
const STALL_MS = 1_000;
/** Commits after which others have their turn. */
const COMMITS_PER_TURN = 32;

/** A subscriber's place in its namespace's log, and its way along it: from the log while behind, else as it comes. */
export class Cursor<M extends Message, C extends ReadCommit<M>, S extends Subscribed, T>
  implements Follower<M, C, S>
{
  private readonly placed = new Map<S, Placed<M, C, S>>();
  /** Of {@link placed}, while it is behind. */
  private index: Index<M, S> | undefined;
  private feed: Feed<M, C, S> | undefined;
  private started = false;
  private running = false;
  /** It is up to date: what comes is offered to it. */
  private live = false;
  private reading: AbortController | undefined;
  private ended = false;

  constructor(
    private readonly parts: CursorParts<M, C, S, T>,
    private at: Position,
  ) {}

  /** Everything up to here was delivered, is in flight, or is not for this subscriber. */
  get position(): Position {
    return this.live && this.feed ? Math.max(this.at, endOf(this.feed.tip)) : this.at;
  }

  get isBehind(): boolean {
    return this.feed !== undefined && !this.live;
  }

  /** Commits between it and the newest one known. */
  get lag(): number {
    return this.feed ? Math.max(0, this.feed.tip - sequenceOf(this.position)) : 0;
  }

  /** To be called once what was in flight is sent again. */
  start(): void {
    this.started = true;
    void this.run();
  }

  add(subscription: S): void {
    if (this.placed.size === 0) {
      // Nothing before it concerns this subscriber, as long as there was no other.
      this.at = Math.max(this.at, this.startOf(subscription));
      this.feed = this.parts.feeds.acquire(this.parts.namespace);
    }
    const placed: Placed<M, C, S> = { alone: [subscription], follower: this };
    this.placed.set(subscription, placed);
    this.feed?.add(placed);
    this.index = undefined;
    void this.run();
  }

  delete(subscription: S): void {
    const placed = this.placed.get(subscription);
    if (placed === undefined) return;
    this.placed.delete(subscription);
    this.feed?.delete(placed);
    this.index = undefined;
    if (this.placed.size === 0) this.leave();
  }

  offer(commit: C, message: M, subscriptions: readonly S[]): void {
    if (!this.live || message.position <= this.at) return;
    const { outlet } = this.parts;
    const terms = outlet.terms(subscriptions, message);
    if (terms === undefined) return;
    if (!outlet.hasRoom()) {
      this.live = false;
      this.at = message.position - 1;
      void this.run();
      return;
    }
    this.at = message.position;
    outlet.deliver(commit, message, terms);
  }

  rewind(position: Position): void {
    this.at = Math.min(this.at, position);
    this.parts.outlet.moved();
  }

  end(): void {
    if (this.ended) return;
    this.at = this.position;
    this.live = false;
    this.ended = true;
    this.leave();
  }

  /** With the first subscription the reading begins where that does; a restored one is older than the cursor. */
  private startOf(subscription: S): Position {
    return this.started ? subscription.after : 0;
  }

  private leave(): void {
    if (this.feed === undefined) return;
    this.at = this.position;
    this.live = false;
    for (const placed of this.placed.values()) this.feed.delete(placed);
    this.placed.clear();
    this.feed = undefined;
    this.parts.feeds.release(this.parts.namespace);
    this.reading?.abort();
  }

  /** Goes along the log until it is live. */
  private async run(): Promise<void> {
    if (this.running || this.live || !this.started) return;
    this.running = true;
    try {
      while (this.feed !== undefined && !this.live) await this.step(this.feed);
    } catch (err) {
      this.parts.logger.error(
        { err, namespace: this.parts.namespace },
        "a subscriber cannot go on; trying again",
      );
      setTimeout(() => void this.run(), STALL_MS).unref();
    } finally {
      this.running = false;
      this.index = undefined;
    }
  }

  private async step(feed: Feed<M, C, S>): Promise<void> {
    const { outlet } = this.parts;
    await feed.ready;
    for (let steps = 1; feed === this.feed; steps++) {
      if (!outlet.hasRoom()) await outlet.roomed();
      else if (!feed.reaches(this.at)) await this.readLog(feed);
      else {
        const commit = feed.next(this.at);
        if (commit === undefined) {
          this.live = true;
          outlet.caughtUp?.();
          return;
        }
        this.take(commit);
      }
      if (steps % COMMITS_PER_TURN === 0) await turn();
    }
  }

  private async readLog(feed: Feed<M, C, S>): Promise<void> {
    const { feeds, log, namespace, outlet, readers, logger } = this.parts;
    const giveBack = await readers.acquire();
    this.parts.onCatchUp?.();
    const reading = new AbortController();
    this.reading = reading;
    const { signal } = reading;
    // Read again where it stands in the midst of a commit.
    const after = Math.max(0, sequenceOf(this.at + 1) - 1);
    const until = feed.tip;
    const subject = signalsSubject(namespace);
    const onError = (err: Error) => logger.error({ err, namespace }, "passed over a commit");
    try {
      if (feed !== this.feed) return;
      const commits = log.read(signalsStream(namespace), { after, subject, until, pull: PULL, signal });
      for await (const pulled of commits) {
        for (const { sequence, data } of pulled) {
          const shown = feeds.erased.without(namespace, sequence, data);
          const commit = feeds.kind.read(namespace, sequence, shown, onError);
          while (feed === this.feed && !this.take(commit)) {
            if (!(await outlet.roomed(STALL_MS))) return;
          }
          if (feed !== this.feed) return;
        }
        if (feed.reaches(this.at)) return;
      }
      if (feed === this.feed) this.at = Math.max(this.at, endOf(until));
    } catch (error) {
      if (!(error instanceof LogGap)) throw error;
      logger.warn({ err: error, namespace }, "the log has lost its end; going on from there");
      this.rewind(endOf(error.actual));
      await sleep(STALL_MS);
    } finally {
      this.reading = undefined;
      giveBack();
    }
  }

  /** False: there is no room for the rest of it. */
  private take(commit: C): boolean {
    const { outlet } = this.parts;
    for (const message of commit.messages) {
      if (message.position <= this.at) continue;
      const terms = outlet.terms(this.matching(message), message);
      if (terms === undefined) continue;
      if (!outlet.hasRoom()) {
        this.at = message.position - 1;
        return false;
      }
      this.at = message.position;
      outlet.deliver(commit, message, terms);
    }
    this.at = Math.max(this.at, endOf(commit.sequence));
    outlet.moved();
    return true;
  }

  private matching(message: M): S[] {
    if (this.index === undefined) {
      this.index = this.parts.feeds.kind.index((subscription) => subscription);
      for (const each of this.placed.keys()) this.index.add(each);
    }
    const found: S[] = [];
    this.index.match(message, (each) => found.push(each));
    return found;
  }
}
