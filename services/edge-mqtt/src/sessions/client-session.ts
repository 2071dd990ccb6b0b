import { limits, type Position, sequenceOf } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { SessionLost } from "./errors.js";
import { InboundQos2 } from "./inbound-qos2.js";
import type { LazyWrites } from "./lazy-writes.js";
import type { SessionRecord } from "./record.js";
import { RecordWriter } from "./record-writer.js";
import { RecordConflict, type SessionKey, type SessionStore } from "./store.js";
import { Subscriber, type SubscriberParts } from "./subscriber.js";
import type { EndReason, OpenSession, Session, SessionSink, SubscribeRequest } from "./types.js";

/** What all sessions of an edge have in common. */
export interface SessionParts extends SubscriberParts {
  readonly log: Pick<EventLog, "read" | "settledEnd" | "get">;
  readonly store: Pick<SessionStore, "get" | "write">;
  readonly lazy: LazyWrites;
  /** Sees to record and will of a session whose connection has ended. Never rejects. */
  readonly depart: (session: ClientSession, publishWill: boolean) => Promise<void>;
}

/** Milliseconds for which an edge that gives up a session waits for its messages that are being stored. */
const SETTLE_MS = 800;
/** Commits that the kept cursor of a session may be behind, though nothing was delivered. */
const STALE_COMMITS = 10_000;

/** A session while its client is connected to this edge: see {@link Session}. */
export class ClientSession implements Session {
  readonly key: SessionKey;
  readonly writer: RecordWriter | undefined;
  private readonly sink: SessionSink;
  private readonly receiveMaximum: number;
  private readonly sharesAs: string | undefined;
  private subscriber: Subscriber | undefined;
  private inbound: InboundQos2 | undefined;
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
    open: Pick<OpenSession, "namespace" | "clientId" | "sink" | "receiveMaximum" | "sharesAlone">,
    private readonly record: SessionRecord,
    revision: number | undefined,
  ) {
    const { namespace, clientId } = open;
    this.key = { namespace, clientId };
    this.sink = open.sink;
    this.receiveMaximum = open.receiveMaximum;
    this.sharesAs = open.sharesAlone ? record.principal : undefined;
    this.expiryS = record.expiryS;
    this.keptCursor = record.cursor;
    if (revision !== undefined) {
      const { store, lazy } = parts;
      const { owner } = record;
      const onConflict = () => void this.endConnection("taken-over");
      const snapshot = () => this.snapshot();
      this.writer = new RecordWriter({ store, lazy, key: this.key, revision, owner, snapshot, onConflict });
    }
    if (record.subscriptions.length + record.outbound.length > 0) this.subscribing();
    if (record.inbound.length > 0) this.receiving();
  }

  get principal(): string {
    return this.record.principal;
  }
  /** For metrics: whether it reads the log, and how many commits it is behind. */
  get isBehind(): boolean {
    return this.subscriber?.cursor.isBehind ?? false;
  }
  get lag(): number {
    return this.subscriber?.cursor.lag ?? 0;
  }
  get inFlight(): number {
    return this.subscriber?.outbox.inFlight ?? 0;
  }

  start(): void {
    if (this.started) return;
    this.started = true;
    if (this.subscriber !== undefined) void this.resume(this.subscriber);
  }

  async subscribe(requests: readonly SubscribeRequest[]): Promise<void> {
    this.check();
    const isNew = this.subscriber === undefined;
    const subscriber = this.subscribing();
    if (isNew && this.started) await subscriber.start();
    subscriber.checkQuota(requests);
    const newest = await this.parts.newest.now(this.key.namespace);
    await subscriber.openGroups(requests, newest);
    this.check();
    const undo = subscriber.add(requests, newest);
    try {
      await subscriber.join(newest);
      await this.save();
    } catch (error) {
      undo();
      throw this.foreseen(error);
    }
  }

  deliverRetained(): void {
    this.subscriber?.deliverRetained();
  }

  async unsubscribe(filters: readonly string[]): Promise<readonly boolean[]> {
    this.check();
    const found = this.subscriber?.remove(filters) ?? filters.map(() => false);
    if (found.includes(true)) {
      await this.save().catch((error: unknown) => {
        throw this.foreseen(error);
      });
    }
    return found;
  }

  acked(packetId: number): boolean {
    return this.subscriber?.outbox.acked(packetId) ?? false;
  }
  received(packetId: number, failed: boolean): void {
    if (this.subscriber === undefined) this.sink.pubrel(packetId);
    else this.subscriber.outbox.received(packetId, failed);
  }
  completed(packetId: number): boolean {
    return this.subscriber?.outbox.completed(packetId) ?? false;
  }
  writable(): void {
    this.subscriber?.outbox.writable();
  }

  async receiveQos2(
    packetId: number,
    dup: boolean,
    digest: string,
  ): Promise<{ identity: string; stored: boolean }> {
    this.check();
    return this.receiving()
      .receive(packetId, dup, digest)
      .catch((error: unknown) => {
        throw this.foreseen(error);
      });
  }
  storedQos2(packetId: number): void {
    this.inbound?.stored(packetId);
    this.changed();
  }
  refusedQos2(packetId: number): void {
    this.inbound?.refused(packetId);
    this.changed();
  }
  async releaseQos2(packetId: number): Promise<boolean> {
    this.check();
    if (this.inbound === undefined) return false;
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
    this.sink.end(reason);
    return closed;
  }

  /** As it is now, connected to this edge. */
  snapshot(): SessionRecord {
    const { record, subscriber, inbound, expiryS } = this;
    const cursor = subscriber?.cursor.position ?? record.cursor;
    this.keptCursor = cursor;
    return {
      ...{ ...record, expiryS, cursor },
      subscriptions: subscriber?.kept() ?? record.subscriptions,
      outbound: subscriber?.outbox.kept() ?? record.outbound,
      inbound: inbound?.kept() ?? record.inbound,
    };
  }

  /** Called now and then: a cursor that nothing moved for long is kept too, so that little is read again. */
  refresh(): void {
    const position = this.subscriber?.cursor.position ?? 0;
    if (sequenceOf(position) - sequenceOf(this.keptCursor) > STALE_COMMITS) this.changed();
  }

  private async resume(subscriber: Subscriber): Promise<void> {
    try {
      await subscriber.start();
    } catch (err) {
      const { clientId } = this.key;
      this.parts.logger.warn({ err, clientId }, "a session could not be resumed; ending its connection");
      void this.endConnection("internal");
    }
  }

  private subscribing(): Subscriber {
    if (this.subscriber === undefined) {
      const { key, sink, receiveMaximum, sharesAs } = this;
      const changed = () => this.changed();
      const failed = () => void this.endConnection("internal");
      const session = { key, sink, receiveMaximum, sharesAs, save: this.saving(), changed, failed };
      this.subscriber = new Subscriber(this.parts, session, this.record);
    }
    return this.subscriber;
  }

  private receiving(): InboundQos2 {
    if (this.inbound === undefined) {
      const { log, newest } = this.parts;
      const { namespace } = this.key;
      const reached = () => newest.recent(namespace);
      this.inbound = new InboundQos2({ log, namespace, save: this.saving(), reached }, this.record.inbound);
    }
    return this.inbound;
  }

  private async leave(publishWill: boolean): Promise<void> {
    this.subscriber?.end();
    if (this.writer !== undefined && this.expiryS > 0) await this.inbound?.settled(SETTLE_MS);
    await this.parts.depart(this, publishWill);
  }

  private check(): void {
    if (this.ended !== undefined) throw new SessionLost(this.key.clientId);
  }

  /** Only what outlives the connection has to be durable before it is answered. */
  private saving(): (() => Promise<void>) | undefined {
    return this.writer && this.record.expiryS > 0 ? () => this.save() : undefined;
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
