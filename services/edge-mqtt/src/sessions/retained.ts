import { setTimeout as sleep } from "node:timers/promises";
import { type Position, sequenceOf } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import type { OutboundMessage } from "../subscriptions/outbound-message.js";
import type { Subscription } from "../subscriptions/subscription.js";
import type { Outbox } from "./outbox.js";
import type { QoS } from "./types.js";

export interface RetainedMessage {
  readonly message: OutboundMessage;
  /** As published. */
  readonly qos: QoS;
  /** Its publisher's. */
  readonly clientId: string;
}

export interface RetainedPage {
  readonly messages: readonly RetainedMessage[];
  /** Topic to go on after; empty: there are no more. */
  readonly next: string;
}

/**
 * The retained messages of a namespace that a filter matches, by topic, after a topic (empty: from the first on).
 * Rejects where it is not known what they are as of the sequence.
 */
export type Retained = (
  namespace: string,
  filter: string,
  atLeast: number,
  after: string,
) => Promise<RetainedPage>;

export interface RetainedDeliveryParts {
  readonly retained: Retained;
  readonly namespace: string;
  readonly clientId: string;
  readonly outbox: Outbox;
  readonly logger: Pick<Logger, "warn">;
  /** Told that the retained messages of a subscription were all sent. */
  readonly onSent: (subscription: Subscription) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** Topics of which it is remembered that something newer went out while retained messages were looked up. */
const OVERTAKEN = 10_000;

/** Sends retained messages to one client, one subscription after the other, as it has room for them. */
export class RetainedDelivery {
  /** Subscriptions, and the position up to which their retained messages are theirs: what is newer comes live. */
  private readonly pending = new Map<Subscription, Position>();
  /** Topics whose retained message was replaced since, and the new one already sent. */
  private readonly overtaken = new Set<string>();
  private running = false;
  private ended = false;

  constructor(private readonly parts: RetainedDeliveryParts) {}

  /** A message to be retained was sent as it came: the one before it must not follow. */
  overtake(topic: string): void {
    if (this.pending.size > 0 && this.overtaken.size < OVERTAKEN) this.overtaken.add(topic);
  }

  add(subscription: Subscription, upTo: Position): void {
    this.pending.set(subscription, upTo);
  }

  delete(subscription: Subscription): void {
    this.pending.delete(subscription);
  }

  upTo(subscription: Subscription): Position | undefined {
    return this.pending.get(subscription);
  }

  /** Sends what is pending, in the background. */
  start(): void {
    if (this.running || this.pending.size === 0) return;
    this.running = true;
    void this.run();
  }

  end(): void {
    this.ended = true;
  }

  private async run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.ended) {
      const [first] = this.pending;
      if (first === undefined) break;
      const [subscription, upTo] = first;
      try {
        await this.send(subscription, upTo);
        pauseMs = FIRST_PAUSE_MS;
        if (!this.ended && this.pending.delete(subscription)) this.parts.onSent(subscription);
      } catch (err) {
        const { namespace, logger } = this.parts;
        logger.warn({ err, namespace }, "retained messages are not known now; trying again");
        await sleep(pauseMs, undefined, { ref: false });
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
    this.running = false;
    this.overtaken.clear();
  }

  private async send(subscription: Subscription, upTo: Position): Promise<void> {
    const { retained, namespace, clientId, outbox } = this.parts;
    const { filter, id } = subscription;
    const subscriptionIds = id === undefined ? [] : [id];
    let after = "";
    do {
      const page = await retained(namespace, filter, sequenceOf(upTo), after);
      for (const { message, qos, clientId: publisher } of page.messages) {
        if (message.position > upTo || (subscription.noLocal && publisher === clientId)) continue;
        while (!this.ended && !outbox.hasRoom()) await outbox.roomed();
        if (this.ended || !this.pending.has(subscription)) return;
        if (this.overtaken.has(message.topic)) continue;
        const granted = Math.min(qos, subscription.qos) as QoS;
        // [MQTT-3.3.1-8]: sent because of a new subscription, it has the retain flag.
        outbox.deliver(message, { qos: granted, retain: true, subscriptionIds });
      }
      after = page.next;
    } while (after !== "" && !this.ended);
  }
}
