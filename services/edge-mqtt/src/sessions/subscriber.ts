import { endOf, limits, type Position, sequenceOf, signalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { Cursor, type Outlet, type Slots } from "@fieldlog/fan-out";
import type { Logger } from "@fieldlog/runtime";
import type { OutboundMessage } from "../subscriptions/outbound-message.js";
import type { PublishedFeeds } from "../subscriptions/published.js";
import type { PublishedCommit } from "../subscriptions/published-commit.js";
import type { Member, SharedFeed, SharedName, Ticket } from "../subscriptions/shared-feed.js";
import type { SharedFeeds } from "../subscriptions/shared-feeds.js";
import type { Skimmed } from "../subscriptions/skim.js";
import { nameOfFilter, type Subscription, type Terms, termsOf } from "../subscriptions/subscription.js";
import { splitShare } from "../subscriptions/topic-filter.js";
import type { Counts } from "./counts.js";
import { QuotaExceeded } from "./errors.js";
import type { Newest } from "./newest.js";
import { Outbox } from "./outbox.js";
import type { KeptSubscription, SessionRecord } from "./record.js";
import { type Retained, RetainedDelivery } from "./retained.js";
import type { SessionKey } from "./store.js";
import type { SessionSink, SubscribeRequest } from "./types.js";

/** What all subscribers of an edge have in common. */
export interface SubscriberParts {
  readonly log: Pick<EventLog, "read" | "get">;
  readonly feeds: PublishedFeeds;
  readonly shared: SharedFeeds;
  readonly newest: Newest;
  readonly readers: Slots;
  readonly retained: Retained;
  readonly logger: Pick<Logger, "warn" | "error">;
  readonly counts: Counts;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** The session that it belongs to. */
export interface SubscriberSession {
  readonly key: SessionKey;
  readonly sink: SessionSink;
  readonly receiveMaximum: number;
  /** The principal, where its shared subscriptions are that one's alone. */
  readonly sharesAs: string | undefined;
  /** Makes durable what is in flight; undefined: the session ends with its connection. */
  readonly save: (() => Promise<void>) | undefined;
  /** What is kept of it has changed. */
  readonly changed: () => void;
  /** The connection cannot go on. */
  readonly failed: () => void;
}

/** Bytes of all filters of a session, so that its record fits into one message of the server. */
const FILTER_BYTES = 384 * 1024;

type ToClient = Outlet<Skimmed, PublishedCommit, Subscription, Terms>;

/** The subscriptions of a connected client, and what it gets by them. Most clients have none, and thus no such part. */
export class Subscriber implements Member {
  readonly outbox: Outbox;
  readonly cursor: Cursor<Skimmed, PublishedCommit, Subscription, Terms>;
  private readonly retained: RetainedDelivery;
  private readonly subscriptions = new Map<string, Subscription>();
  private shared: Map<string, SharedFeed> | undefined;
  private started = false;
  private ended = false;

  constructor(
    private readonly parts: SubscriberParts,
    private readonly session: SubscriberSession,
    record: Pick<SessionRecord, "cursor" | "subscriptions" | "outbound">,
  ) {
    const { key, sink, receiveMaximum, save, changed, failed } = session;
    const { log, feeds, readers, retained, logger, counts, now } = parts;
    const size = Math.max(1, Math.min(receiveMaximum, limits.mqttInFlight));
    const onRoom = () => this.poke();
    this.outbox = new Outbox({ sink, size, save, changed, failed, onRoom, counts, now }, record.outbound);
    const { outbox } = this;
    const onCatchUp = () => void counts.catchUpReads++;
    const { namespace } = key;
    this.cursor = new Cursor(
      { log, feeds, namespace, readers, logger, onCatchUp, outlet: this.outlet() },
      record.cursor,
    );
    this.retained = new RetainedDelivery({ ...key, retained, logger, outbox, onSent: changed });
    for (const { retainedUpTo, ...subscription } of record.subscriptions) {
      this.subscriptions.set(nameOfFilter(subscription), subscription);
      if (subscription.share === undefined) this.cursor.add(subscription);
      if (retainedUpTo !== undefined) this.retained.add(subscription, retainedUpTo);
    }
  }

  /** Sends what was in flight again, then goes on from the cursor. Raises LogUnavailable. */
  async start(): Promise<void> {
    await this.outbox.resend((position) => this.load(position));
    if (this.ended) return;
    this.started = true;
    this.cursor.start();
    this.retained.start();
    if ([...this.subscriptions.values()].some((each) => each.share !== undefined)) {
      await this.join(await this.parts.newest.recent(this.session.key.namespace));
    }
  }

  end(): void {
    this.ended = true;
    this.cursor.end();
    this.retained.end();
    for (const { share, filter } of this.subscriptions.values()) {
      if (share !== undefined) this.parts.shared.leave(this.sharedName(share, filter), this);
    }
    this.outbox.end();
  }

  /** Raises QuotaExceeded. */
  checkQuota(requests: readonly SubscribeRequest[]): void {
    const names = new Set(this.subscriptions.keys());
    for (const request of requests) names.add(nameOfFilter(request));
    if (names.size > limits.mqttSubscriptions) {
      throw new QuotaExceeded("subscriptions", limits.mqttSubscriptions);
    }
    let bytes = 0;
    for (const name of names) bytes += Buffer.byteLength(name);
    if (bytes > FILTER_BYTES) throw new QuotaExceeded("bytes", FILTER_BYTES);
  }

  /**
   * Makes the subscriptions, for what comes after the sequence.
   *
   * @returns what undoes it
   */
  add(requests: readonly SubscribeRequest[], newest: number): () => void {
    const before = requests.map((request) => [request, this.place(request, endOf(newest))] as const);
    return () => {
      for (const [request, previous] of before) this.replace(nameOfFilter(request), previous);
    };
  }

  /** Filters as in the packet. Of each: whether there was such a subscription. */
  remove(filters: readonly string[]): boolean[] {
    return filters.map((filter) => {
      const name = nameOfFilter(splitShare(filter));
      const known = this.subscriptions.has(name);
      if (known) this.replace(name, undefined);
      return known;
    });
  }

  /** Gives the groups a place in the log, before the first of their subscriptions is made. Raises LogUnavailable. */
  async openGroups(requests: readonly SubscribeRequest[], newest: number): Promise<void> {
    for (const { share, filter } of requests) {
      if (share !== undefined) await this.parts.shared.open(this.sharedName(share, filter), newest);
    }
  }

  /** Joins the groups that it is not in yet. Raises LogUnavailable. */
  async join(newest: number): Promise<void> {
    for (const [name, subscription] of this.subscriptions) {
      const { share, filter } = subscription;
      if (share === undefined || !this.started || this.shared?.has(name)) continue;
      const shared = this.sharedName(share, filter);
      const feed = await this.parts.shared.join(shared, newest, this, subscription);
      if (this.ended || this.subscriptions.get(name) !== subscription) {
        this.parts.shared.leave(shared, this);
      } else {
        this.shared ??= new Map();
        this.shared.set(name, feed);
      }
    }
  }

  deliverRetained(): void {
    this.retained.start();
  }

  kept(): KeptSubscription[] {
    return [...this.subscriptions.values()].map((each) => {
      const retainedUpTo = this.retained.upTo(each);
      return retainedUpTo === undefined ? each : { ...each, retainedUpTo };
    });
  }

  hasRoom(): boolean {
    return this.started && this.outbox.hasRoom();
  }

  /** A message of a shared subscription. */
  take(commit: PublishedCommit, message: Skimmed, subscription: Subscription, ticket: Ticket): void {
    const outbound = commit.message(message);
    // Its group's place is what decides from where on.
    const terms = termsOf([{ ...subscription, after: 0 }], message, this.session.key.clientId);
    if (outbound === undefined || terms === undefined) ticket.done();
    else this.outbox.deliver(outbound, terms, ticket);
  }

  private async load(position: Position): Promise<OutboundMessage | undefined> {
    const sequence = sequenceOf(position);
    const { namespace } = this.session.key;
    const data = await this.parts.log.get(signalsStream(namespace), sequence);
    if (data === undefined) return undefined;
    const { kind, erased } = this.parts.feeds;
    const commit = kind.read(namespace, sequence, erased.without(namespace, sequence, data), (err) =>
      this.parts.logger.error({ err, sequence }, "passed over a commit that cannot be read"),
    );
    const skimmed = commit.messages.find((each) => each.position === position);
    return skimmed && commit.message(skimmed);
  }

  private outlet(): ToClient {
    const { outbox } = this;
    const { key, changed } = this.session;
    return {
      terms: (subscriptions, message) => termsOf(subscriptions, message, key.clientId),
      hasRoom: () => outbox.hasRoom(),
      roomed: (ms) => outbox.roomed(ms),
      deliver: (commit, message, terms) => {
        const outbound = commit.message(message);
        if (outbound === undefined) return;
        if (message.retain) this.retained.overtake(message.topic);
        outbox.deliver(outbound, terms);
      },
      moved: changed,
    };
  }

  /** Returns what was there under that name before. */
  private place(request: SubscribeRequest, newest: Position): Subscription | undefined {
    const { filter, share, qos, noLocal, retainAsPublished, retainHandling, id } = request;
    const name = nameOfFilter(request);
    const previous = this.subscriptions.get(name);
    // Nothing is lost by subscribing again: what the old one was to see, the new one sees [MQTT-3.8.4-4].
    const after = previous?.after ?? newest;
    const subscription = { filter, share, qos, noLocal, retainAsPublished, id, after };
    this.replace(name, subscription);
    // [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; not for shared ones (section 4.8.2).
    const wanted = retainHandling === 0 || (retainHandling === 1 && previous === undefined);
    if (share === undefined && wanted) this.retained.add(subscription, newest);
    return previous;
  }

  private replace(name: string, subscription: Subscription | undefined): void {
    const previous = this.subscriptions.get(name);
    if (subscription === undefined) this.subscriptions.delete(name);
    else this.subscriptions.set(name, subscription);
    // First the new one, so that the feed is not left in between.
    if (subscription !== undefined && subscription.share === undefined) this.cursor.add(subscription);
    if (previous === undefined) return;
    this.retained.delete(previous);
    if (previous.share === undefined) this.cursor.delete(previous);
    else {
      this.shared?.delete(name);
      this.parts.shared.leave(this.sharedName(previous.share, previous.filter), this);
    }
  }

  private poke(): void {
    if (this.shared) for (const feed of this.shared.values()) feed.poke();
  }

  private sharedName(share: string, filter: string): SharedName {
    const { key, sharesAs } = this.session;
    return { namespace: key.namespace, share, filter, owner: sharesAs };
  }
}
