import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { type Position, SIGNALS, sequenceOf, signalsSubject } from "@fieldlog/contracts";
import { type EventLog, LogGap } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { endOf, type Feed, type Follower, type Placed } from "../subscriptions/feed.js";
import type { Feeds } from "../subscriptions/feeds.js";
import { type PublishedCommit, readPublished } from "../subscriptions/published-commit.js";
import type { Skimmed } from "../subscriptions/skim.js";
import { type Subscription, type Terms, termsOf } from "../subscriptions/subscription.js";
import { matchesFilter } from "../subscriptions/topic-filter.js";
import { TopicTree } from "../subscriptions/topic-tree.js";
import type { Counts } from "./counts.js";
import type { Outbox } from "./outbox.js";
import type { Slots } from "./slots.js";

export interface LogCursorParts {
  readonly log: Pick<EventLog, "read">;
  readonly feeds: Feeds;
  readonly namespace: string;
  readonly clientId: string;
  readonly outbox: Outbox;
  /** Bounds how many sessions read the log at the same time. */
  readonly readers: Slots;
  /** The cursor has moved. */
  readonly changed: () => void;
  /** Told the topic of each message to be retained that is delivered. */
  readonly onRetained: (topic: string) => void;
  readonly logger: Pick<Logger, "warn" | "error">;
  readonly counts: Counts;
}

/** Commits asked for at once by a session that is behind: at most 8 MiB. */
const PULL = 16;
/** Milliseconds that a client may take no more before its reading of the log is given up, to be begun again. */
const STALL_MS = 1_000;
/** Commits after which others have their turn. */
const COMMITS_PER_TURN = 32;
/** Subscriptions up to which trying each is less work than a tree. */
const FEW = 8;

/** A session's place in its namespace's log, and its way along it: from the log while behind, else as it comes. */
export class LogCursor implements Follower {
  private readonly placed = new Map<Subscription, Placed>();
  private tree: TopicTree<Subscription> | undefined;
  private feed: Feed | undefined;
  private started = false;
  private running = false;
  /** It is up to date: what comes is offered to it. */
  private live = false;
  private reading: AbortController | undefined;
  private ended = false;

  constructor(
    private readonly parts: LogCursorParts,
    private at: Position,
  ) {}

  /** Everything up to here was delivered, is in flight, or is not for this session. */
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

  add(subscription: Subscription): void {
    if (this.placed.size === 0) {
      // Nothing before it concerns this session, as long as there was no other.
      this.at = Math.max(this.at, this.startOf(subscription));
      this.feed = this.parts.feeds.acquire(this.parts.namespace);
    }
    const placed = { subscription, follower: this };
    this.placed.set(subscription, placed);
    this.feed?.add(placed);
    this.tree = undefined;
    void this.run();
  }

  delete(subscription: Subscription): void {
    const placed = this.placed.get(subscription);
    if (placed === undefined) return;
    this.placed.delete(subscription);
    this.feed?.delete(placed);
    this.tree = undefined;
    if (this.placed.size === 0) this.leave();
  }

  offer(commit: PublishedCommit, message: Skimmed, subscriptions: readonly Subscription[]): void {
    if (!this.live || message.position <= this.at) return;
    const terms = termsOf(subscriptions, message, this.parts.clientId);
    if (terms === undefined) return;
    if (!this.parts.outbox.hasRoom()) {
      this.live = false;
      this.at = message.position - 1;
      void this.run();
      return;
    }
    this.at = message.position;
    this.deliver(commit, message, terms);
  }

  rewind(position: Position): void {
    this.at = Math.min(this.at, position);
    this.parts.changed();
  }

  end(): void {
    if (this.ended) return;
    this.at = this.position;
    this.live = false;
    this.ended = true;
    this.leave();
  }

  /** With the first subscription the reading begins where that does; a restored one is older than the cursor. */
  private startOf(subscription: Subscription): Position {
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
        "a session cannot go on; trying again",
      );
      setTimeout(() => void this.run(), STALL_MS).unref();
    } finally {
      this.running = false;
      this.tree = undefined;
    }
  }

  private async step(feed: Feed): Promise<void> {
    const { outbox } = this.parts;
    await feed.ready;
    for (let steps = 1; feed === this.feed; steps++) {
      if (!outbox.hasRoom()) await outbox.roomed();
      else if (!feed.reaches(this.at)) await this.readLog(feed);
      else {
        const commit = feed.next(this.at);
        if (commit === undefined) {
          this.live = true;
          return;
        }
        this.take(commit);
      }
      if (steps % COMMITS_PER_TURN === 0) await turn();
    }
  }

  private async readLog(feed: Feed): Promise<void> {
    const { log, namespace, readers, counts, logger } = this.parts;
    const giveBack = await readers.acquire();
    counts.catchUpReads++;
    const reading = new AbortController();
    this.reading = reading;
    const { signal } = reading;
    // Read again where it stands in the midst of a commit.
    const after = sequenceOf(this.at + 1) - 1;
    const until = feed.tip;
    const subject = signalsSubject(namespace);
    const onError = (err: Error) => logger.error({ err, namespace }, "passed over a commit");
    try {
      if (feed !== this.feed) return;
      const commits = log.read(SIGNALS, { after, subject, until, pull: PULL, signal });
      for await (const pulled of commits) {
        for (const { sequence, data } of pulled) {
          const commit = readPublished(sequence, data, onError);
          while (feed === this.feed && !this.take(commit)) {
            if (!(await this.parts.outbox.roomed(STALL_MS))) return;
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
  private take(commit: PublishedCommit): boolean {
    const { outbox, clientId } = this.parts;
    for (const message of commit.messages) {
      if (message.position <= this.at) continue;
      const terms = termsOf(this.matching(message.topic), message, clientId);
      if (terms === undefined) continue;
      if (!outbox.hasRoom()) {
        this.at = message.position - 1;
        return false;
      }
      this.at = message.position;
      this.deliver(commit, message, terms);
    }
    this.at = Math.max(this.at, endOf(commit.sequence));
    this.parts.changed();
    return true;
  }

  private deliver(commit: PublishedCommit, message: Skimmed, terms: Terms): void {
    const outbound = commit.message(message);
    if (outbound === undefined) return;
    if (message.retain) this.parts.onRetained(message.topic);
    this.parts.outbox.deliver(outbound, terms);
  }

  private matching(topic: string): Subscription[] {
    const found: Subscription[] = [];
    if (this.placed.size <= FEW) {
      for (const each of this.placed.keys()) if (matchesFilter(each.filter, topic)) found.push(each);
      return found;
    }
    if (this.tree === undefined) {
      this.tree = new TopicTree();
      for (const each of this.placed.keys()) this.tree.add(each.filter, each);
    }
    this.tree.match(topic, (each) => found.push(each));
    return found;
  }
}
