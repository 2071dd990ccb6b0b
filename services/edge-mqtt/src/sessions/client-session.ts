import { indexOf, limits, type Position, sequenceOf } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { endOf } from "../subscriptions/feed.js";
import type { Feeds } from "../subscriptions/feeds.js";
import type { OutboundMessage } from "../subscriptions/outbound-message.js";
import { type PublishedCommit, readPublished } from "../subscriptions/published-commit.js";
import type { Member, SharedFeed, SharedName, Ticket } from "../subscriptions/shared-feed.js";
import type { SharedFeeds } from "../subscriptions/shared-feeds.js";
import type { Skimmed } from "../subscriptions/skim.js";
import { nameOfFilter, type Subscription, termsOf } from "../subscriptions/subscription.js";
import { splitShare } from "../subscriptions/topic-filter.js";
import type { Counts } from "./counts.js";
import { QuotaExceeded, SessionLost } from "./errors.js";
import { InboundQos2 } from "./inbound-qos2.js";
import type { LazyWrites } from "./lazy-writes.js";
import { LogCursor } from "./log-cursor.js";
import type { Newest } from "./newest.js";
import { Outbox } from "./outbox.js";
import type { SessionRecord } from "./record.js";
import { RecordWriter } from "./record-writer.js";
import { type Retained, RetainedDelivery } from "./retained.js";
import type { Slots } from "./slots.js";
import { RecordConflict, type SessionKey, type SessionStore } from "./store.js";
import type { EndReason, OpenSession, Session, SubscribeRequest } from "./types.js";

/** What all sessions of an edge have in common. */
export interface SessionParts {
  readonly log: Pick<EventLog, "read" | "lastSequence" | "get">;
  readonly store: SessionStore;
  readonly feeds: Feeds;
  readonly shared: SharedFeeds;
  readonly lazy: LazyWrites;
  readonly newest: Newest;
  readonly readers: Slots;
  readonly retained: Retained;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly counts: Counts;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** Sees to record and will of a session whose connection has ended. Never rejects. */
  readonly depart: (session: ClientSession, publishWill: boolean) => Promise<void>;
}

/** Bytes of all filters of a session, so that its record fits into one message of the server. */
const FILTER_BYTES = 384 * 1024;
/** Milliseconds for which an edge that gives up a session waits for its messages that are being stored. */
const SETTLE_MS = 800;
/** Commits that the kept cursor of a session may be behind, though nothing was delivered. */
const STALE_COMMITS = 10_000;

/** A session while its client is connected to this edge: see {@link Session}. */
export class ClientSession implements Session, Member {
  readonly key: SessionKey;
  readonly principal: string;
  readonly writer: RecordWriter | undefined;
  private readonly outbox: Outbox;
  private readonly cursor: LogCursor;
  private readonly inbound: InboundQos2;
  private readonly retained: RetainedDelivery;
  private readonly subscriptions = new Map<string, Subscription>();
  private shared: Map<string, SharedFeed> | undefined;
  private started = false;
  private ended: Promise<void> | undefined;
  private expiryS: number;
  private keptCursor: Position;

  /**
   * @param record what it begins with; its owner is this edge
   * @param revision of the record; undefined: there is none, the session ends with its connection
   */
  constructor(
    private readonly parts: SessionParts,
    private readonly open: Pick<OpenSession, "namespace" | "clientId" | "sink" | "receiveMaximum">,
    private readonly record: SessionRecord,
    revision: number | undefined,
  ) {
    const { namespace, clientId, sink, receiveMaximum } = open;
    const { log, lazy, store, newest, counts, logger, now } = parts;
    this.key = { namespace, clientId };
    this.principal = record.principal;
    this.expiryS = record.expiryS;
    this.keptCursor = record.cursor;
    if (revision !== undefined) {
      const onConflict = () => void this.endConnection("taken-over");
      const snapshot = () => this.snapshot();
      this.writer = new RecordWriter({ store, lazy, key: this.key, revision, snapshot, onConflict });
    }
    // Only what outlives the connection has to be durable before it is answered.
    const save = this.writer && record.expiryS > 0 ? () => this.save() : undefined;
    const changed = () => this.changed();
    const size = Math.max(1, Math.min(receiveMaximum, limits.mqttInFlight));
    const onRoom = () => this.pokeShared();
    this.outbox = new Outbox({ sink, size, save, changed, onRoom, counts, now }, record.outbound);
    this.cursor = new LogCursor({ ...parts, ...this.key, outbox: this.outbox, changed }, record.cursor);
    const reached = () => newest.recent();
    this.inbound = new InboundQos2({ log, namespace, save, reached }, record.inbound);
    this.retained = new RetainedDelivery({
      ...{ retained: parts.retained, namespace, clientId, logger, outbox: this.outbox, onSent: changed },
    });
    for (const { retainedUpTo, ...subscription } of record.subscriptions) {
      this.subscriptions.set(nameOfFilter(subscription), subscription);
      if (subscription.share === undefined) this.cursor.add(subscription);
      if (retainedUpTo !== undefined) this.retained.add(subscription, retainedUpTo);
    }
  }

  /** For metrics: whether it reads the log, and how many commits it is behind. */
  get isBehind(): boolean {
    return this.cursor.isBehind;
  }
  get lag(): number {
    return this.cursor.lag;
  }
  get inFlight(): number {
    return this.outbox.inFlight;
  }

  start(): void {
    if (this.started) return;
    this.started = true;
    void this.resume();
  }

  async subscribe(requests: readonly SubscribeRequest[]): Promise<void> {
    this.check();
    this.checkQuota(requests);
    const newest = await this.parts.newest.now();
    for (const { share, filter } of requests) {
      if (share !== undefined) await this.parts.shared.open(this.sharedName(share, filter), newest);
    }
    this.check();
    const before = requests.map((request) => [request, this.place(request, endOf(newest))] as const);
    await this.joinShared(newest);
    try {
      await this.save();
    } catch (error) {
      for (const [request, previous] of before) this.replace(nameOfFilter(request), previous);
      throw this.foreseen(error);
    }
  }

  deliverRetained(): void {
    this.retained.start();
  }

  async unsubscribe(filters: readonly string[]): Promise<readonly boolean[]> {
    this.check();
    const found = filters.map((filter) => {
      const name = nameOfFilter(splitShare(filter));
      const known = this.subscriptions.has(name);
      if (known) this.replace(name, undefined);
      return known;
    });
    if (found.includes(true)) {
      await this.save().catch((error: unknown) => {
        throw this.foreseen(error);
      });
    }
    return found;
  }

  acked(packetId: number): boolean {
    return this.outbox.acked(packetId);
  }
  received(packetId: number, failed: boolean): void {
    this.outbox.received(packetId, failed);
  }
  completed(packetId: number): boolean {
    return this.outbox.completed(packetId);
  }
  writable(): void {
    this.outbox.writable();
  }

  async receiveQos2(packetId: number, dup: boolean): Promise<{ identity: string; stored: boolean }> {
    this.check();
    return this.inbound.receive(packetId, dup).catch((error: unknown) => {
      throw this.foreseen(error);
    });
  }
  storedQos2(packetId: number): void {
    this.inbound.stored(packetId);
    this.changed();
  }
  refusedQos2(packetId: number): void {
    this.inbound.refused(packetId);
    this.changed();
  }
  async releaseQos2(packetId: number): Promise<boolean> {
    this.check();
    return this.inbound.release(packetId).catch((error: unknown) => {
      throw this.foreseen(error);
    });
  }

  close({ publishWill, expiryS }: { publishWill: boolean; expiryS?: number }): Promise<void> {
    if (expiryS !== undefined && this.ended === undefined && this.writer !== undefined) {
      this.expiryS = Math.min(expiryS, limits.mqttSessionS);
    }
    this.ended ??= this.leave(publishWill);
    return this.ended;
  }

  /** Ends the connection from this side, and resolves when the session can be taken by another. */
  async endConnection(reason: EndReason): Promise<void> {
    if (this.ended !== undefined) return this.ended;
    const closed = this.close({ publishWill: true });
    this.open.sink.end(reason);
    return closed;
  }

  /** As it is now, connected to this edge. */
  snapshot(): SessionRecord {
    const { position } = this.cursor;
    this.keptCursor = position;
    return {
      ...this.record,
      expiryS: this.expiryS,
      cursor: position,
      subscriptions: [...this.subscriptions.values()].map((each) => {
        const retainedUpTo = this.retained.upTo(each);
        return retainedUpTo === undefined ? each : { ...each, retainedUpTo };
      }),
      outbound: this.outbox.kept(),
      inbound: this.inbound.kept(),
    };
  }

  /** Called now and then: a cursor that nothing moved for long is kept too, so that little is read again. */
  refresh(): void {
    const { position } = this.cursor;
    if (sequenceOf(position) - sequenceOf(this.keptCursor) > STALE_COMMITS) this.changed();
  }

  hasRoom(): boolean {
    return this.started && this.ended === undefined && this.outbox.hasRoom();
  }

  /** A message of a shared subscription. */
  take(commit: PublishedCommit, message: Skimmed, subscription: Subscription, ticket: Ticket): void {
    const outbound = commit.message(message);
    const terms = termsOf([{ ...subscription, after: 0 }], message, this.key.clientId);
    if (outbound === undefined || terms === undefined) ticket.done();
    else this.outbox.deliver(outbound, terms, ticket);
  }

  private async resume(): Promise<void> {
    const { logger } = this.parts;
    try {
      await this.outbox.resend((position) => this.load(position));
      if (this.ended !== undefined) return;
      this.cursor.start();
      this.retained.start();
      if ([...this.subscriptions.values()].some((each) => each.share !== undefined)) {
        await this.joinShared(await this.parts.newest.recent());
      }
    } catch (err) {
      logger.warn(
        { err, clientId: this.key.clientId },
        "a session could not be resumed; ending its connection",
      );
      void this.endConnection("internal");
    }
  }

  private async load(position: Position): Promise<OutboundMessage | undefined> {
    const sequence = sequenceOf(position);
    const data = await this.parts.log.get("SIGNALS", sequence);
    if (data === undefined) return undefined;
    const commit = readPublished(sequence, data, (err) =>
      this.parts.logger.error({ err, sequence }, "unreadable"),
    );
    const skimmed = commit.messages.find((each) => indexOf(each.position) === indexOf(position));
    return skimmed && commit.message(skimmed);
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
    if (subscription?.share === undefined && subscription !== undefined) this.cursor.add(subscription);
    if (previous === undefined) return;
    this.retained.delete(previous);
    if (previous.share === undefined) this.cursor.delete(previous);
    else {
      this.shared?.delete(name);
      this.parts.shared.leave(this.sharedName(previous.share, previous.filter), this);
    }
  }

  /** Joins the groups that it is not in yet. Raises LogUnavailable. */
  private async joinShared(newest: number): Promise<void> {
    for (const [name, subscription] of this.subscriptions) {
      const { share, filter } = subscription;
      if (share === undefined || !this.started || this.shared?.has(name)) continue;
      const shared = this.sharedName(share, filter);
      const feed = await this.parts.shared.join(shared, newest, this, subscription);
      if (this.ended !== undefined || this.subscriptions.get(name) !== subscription) {
        this.parts.shared.leave(shared, this);
      } else {
        this.shared ??= new Map();
        this.shared.set(name, feed);
      }
    }
  }

  private pokeShared(): void {
    if (this.shared) for (const feed of this.shared.values()) feed.poke();
  }

  private sharedName(share: string, filter: string): SharedName {
    return { namespace: this.key.namespace, share, filter };
  }

  private async leave(publishWill: boolean): Promise<void> {
    this.cursor.end();
    this.retained.end();
    for (const { share, filter } of this.subscriptions.values()) {
      if (share !== undefined) this.parts.shared.leave(this.sharedName(share, filter), this);
    }
    this.outbox.end();
    if (this.writer !== undefined && this.expiryS > 0) await this.inbound.settled(SETTLE_MS);
    await this.parts.depart(this, publishWill);
  }

  private check(): void {
    if (this.ended !== undefined) throw new SessionLost(this.key.clientId);
  }

  private checkQuota(requests: readonly SubscribeRequest[]): void {
    const names = new Set(this.subscriptions.keys());
    for (const request of requests) names.add(nameOfFilter(request));
    if (names.size > limits.mqttSubscriptions) {
      throw new QuotaExceeded("subscriptions", limits.mqttSubscriptions);
    }
    let bytes = 0;
    for (const name of names) bytes += Buffer.byteLength(name);
    if (bytes > FILTER_BYTES) throw new QuotaExceeded("bytes", FILTER_BYTES);
  }

  private async save(): Promise<void> {
    if (this.record.expiryS > 0) await this.writer?.save();
  }

  private changed(): void {
    if (this.record.expiryS > 0 && this.ended === undefined) this.writer?.touch();
  }

  private foreseen(error: unknown): unknown {
    return error instanceof RecordConflict ? new SessionLost(this.key.clientId) : error;
  }
}
