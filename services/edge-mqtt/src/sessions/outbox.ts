import { setTimeout as sleep } from "node:timers/promises";
import type { Position } from "@fieldlog/contracts";
import { traceDelivery } from "@fieldlog/fan-out";
import { isTracing } from "@fieldlog/runtime";
import type { OutboundMessage } from "../subscriptions/outbound-message.js";
import type { Ticket } from "../subscriptions/shared-feed.js";
import type { Terms } from "../subscriptions/subscription.js";
import type { Counts } from "./counts.js";
import { type InFlight, InFlightWindow } from "./in-flight.js";
import type { KeptInFlight } from "./record.js";
import { RecordConflict } from "./store.js";
import type { Delivery, SessionSink } from "./types.js";

export interface OutboxParts {
  readonly sink: SessionSink;
  /** How many the client takes unacknowledged. */
  readonly size: number;
  /** Makes durable what is in flight; undefined: the session ends with its connection. */
  readonly save: (() => Promise<void>) | undefined;
  /** What is in flight has changed. */
  readonly changed: () => void;
  /** The connection cannot go on. */
  readonly failed: () => void;
  /** There is room again. */
  readonly onRoom: () => void;
  readonly counts: Counts;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

interface Held {
  readonly delivery: Delivery;
  readonly ticket: Ticket | undefined;
  /** It may be sent. */
  ready: boolean;
}

const PAUSE_MS = 1_000;

/** What goes to one client, in order and no more than it takes: section 4.3, the sender's side. */
export class Outbox {
  private readonly window: InFlightWindow;
  /** What waits until a message with QoS 2, the first of them, is durable. */
  private held: Held[] = [];
  private full = false;
  private ended = false;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly parts: OutboxParts,
    kept: readonly KeptInFlight[],
  ) {
    this.window = new InFlightWindow(parts.size);
    for (const entry of kept) this.window.restore({ ...entry, sent: false, ticket: undefined });
  }

  get inFlight(): number {
    return this.window.count;
  }

  hasRoom(): boolean {
    return !this.full && !this.ended && this.held.length < this.parts.size && this.window.hasRoom();
  }

  /** Resolves when there may be room, or it has ended. False: there was none within the time. */
  roomed(withinMs?: number): Promise<boolean> {
    if (this.ended) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = withinMs && setTimeout(() => resolve(false), withinMs);
      this.waiting.push(() => {
        if (timer) clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** To be called only while there is room. What has expired is not sent [MQTT-3.3.2-5]. */
  deliver(message: OutboundMessage, terms: Terms, ticket?: Ticket): void {
    const { expiresAt } = message.publication;
    if (expiresAt !== undefined && expiresAt <= this.parts.now()) {
      this.parts.counts.expired++;
      ticket?.done();
      return;
    }
    const { qos, retain, subscriptionIds } = terms;
    if (qos === 0) {
      this.send({ message, qos, dup: false, retain, subscriptionIds }, ticket);
      return;
    }
    const { position } = message;
    const { packetId } = this.window.add({ position, qos, retain, subscriptionIds, ticket });
    this.send({ message, qos, packetId, dup: false, retain, subscriptionIds }, ticket);
  }

  /** Sends again what an earlier connection left in flight [MQTT-4.4.0-1], in its order [MQTT-4.6.0-1]. */
  async resend(load: (position: Position) => Promise<OutboundMessage | undefined>): Promise<void> {
    for (const entry of this.window.all()) {
      if (this.ended) return;
      if (entry.state === "release") {
        this.parts.sink.pubrel(entry.packetId);
        continue;
      }
      const message = await load(entry.position);
      while (!this.ended && !this.hasRoom()) await this.roomed();
      if (this.ended) return;
      // Its namespace was cleared.
      if (message === undefined) this.settle(entry);
      else {
        this.window.resent(entry);
        const { packetId, qos, retain, subscriptionIds } = entry;
        this.parts.counts.redeliveries++;
        this.emit({ message, qos, packetId, dup: true, retain, subscriptionIds });
      }
    }
  }

  /** PUBACK. */
  acked(packetId: number): boolean {
    const entry = this.window.get(packetId);
    if (entry?.qos !== 1) return false;
    this.settle(entry);
    return true;
  }

  /** PUBREC: PUBREL is sent once it is durable that it is due, so that the message is never sent again. */
  received(packetId: number, failed: boolean): void {
    const entry = this.window.get(packetId);
    if (entry?.qos !== 2) {
      this.parts.sink.pubrel(packetId);
      return;
    }
    if (failed) {
      this.settle(entry);
      return;
    }
    const again = entry.state === "release";
    entry.state = "release";
    const release = () => this.parts.sink.pubrel(packetId);
    if (again || this.parts.save === undefined) release();
    else void this.whenDurable(release);
  }

  /** PUBCOMP. */
  completed(packetId: number): boolean {
    const entry = this.window.get(packetId);
    if (entry?.qos !== 2 || entry.state !== "release") return false;
    this.settle(entry);
    return true;
  }

  writable(): void {
    if (!this.full) return;
    this.full = false;
    this.drain();
    this.makeRoom();
  }

  /** What is to be sent again on the client's next connection. */
  kept(): KeptInFlight[] {
    const kept: KeptInFlight[] = [];
    for (const { sent, ticket, ...entry } of this.window.all()) {
      // Of a shared subscription others get it, but with QoS 2 nobody else may [MQTT-4.8.2-5].
      if (ticket === undefined || entry.qos === 2) kept.push(entry);
    }
    return kept;
  }

  /** The connection has ended: what others may have is given back. */
  end(): void {
    this.ended = true;
    for (const { ticket, delivery } of this.held.splice(0)) if (delivery.qos === 0) ticket?.back();
    for (const { ticket, qos } of this.window.all()) {
      if (qos === 1) ticket?.back();
      else ticket?.done();
    }
    this.makeRoom();
  }

  private settle(entry: InFlight): void {
    this.window.delete(entry);
    entry.ticket?.done();
    this.parts.changed();
    this.makeRoom();
  }

  private makeRoom(): void {
    if (!this.ended && !this.hasRoom()) return;
    if (this.waiting.length > 0) for (const resolve of this.waiting.splice(0)) resolve();
    if (!this.ended) this.parts.onRoom();
  }

  private send(delivery: Delivery, ticket: Ticket | undefined): void {
    this.parts.changed();
    const wait = delivery.qos === 2 && this.parts.save !== undefined;
    if (!wait && this.held.length === 0) {
      this.emit(delivery);
      if (delivery.qos !== 1) ticket?.done();
      return;
    }
    const held: Held = { delivery, ticket, ready: !wait };
    this.held.push(held);
    if (!wait) return;
    void this.whenDurable(() => {
      held.ready = true;
      this.drain();
    });
  }

  private drain(): void {
    let drained = false;
    while (this.held[0]?.ready && !this.full && !this.ended) {
      const { delivery, ticket } = this.held.shift() as Held;
      this.emit(delivery);
      if (delivery.qos !== 1) ticket?.done();
      drained = true;
    }
    if (drained) this.makeRoom();
  }

  private emit(delivery: Delivery): void {
    const { sink, counts } = this.parts;
    counts.deliveries[delivery.qos]++;
    if (isTracing() && delivery.message.signal) traceDelivery("mqtt", delivery.message.signal);
    try {
      if (!sink.publish(delivery)) this.full = true;
    } catch {
      // Nothing that is not foreseen in one connection may hold up others.
      this.full = true;
      this.parts.failed();
    }
  }

  private async whenDurable(then: () => void): Promise<void> {
    while (!this.ended) {
      try {
        await this.parts.save?.();
        break;
      } catch (error) {
        if (error instanceof RecordConflict) return;
        await sleep(PAUSE_MS);
      }
    }
    if (!this.ended) then();
  }
}
