import { setTimeout as sleepFor } from "node:timers/promises";
import type { EventLog } from "@fieldlog/event-log";
import {
  type CursorRecords,
  EventCursor,
  type EventFeeds,
  type EventSink,
  type Held,
  Slots,
} from "@fieldlog/fan-out";
import type { Logger, Registry } from "@fieldlog/runtime";
import type { WebhookSubscription, WebhookSubscriptions } from "../service/webhook-subscriptions.js";
import { Delivery, type DeliveryParts } from "./delivery.js";
import { WebhookMetrics } from "./metrics.js";
import type { Poster } from "./post.js";
import { QueueBudget } from "./queue.js";
import { type Replicas, replicaOf } from "./replicas.js";

/** Milliseconds between two looks whether there are webhooks that nobody delivers to. */
const LOOK_MS = 2_000;
const TICK_MS = 1_000;
/** Deliveries of which each tick writes how far they are, though nothing was for them. */
const PER_TICK = 200;
/** Cursors that read the log at once. */
const READERS = 16;
/** Records that are taken at once. */
const OPENERS = 32;
/** Requests at once: of endpoints that answer soon, and of those that fail or are slow. */
const PROMPT = 512;
const SLOW = 256;
/** Milliseconds until it is tried again to disable one. */
const DISABLE_MS = 5_000;

export interface WebhooksParts extends Pick<DeliveryParts, "schedule" | "sleep"> {
  readonly log: EventLog;
  readonly feeds: EventFeeds;
  readonly records: Pick<CursorRecords, "acquireFree">;
  readonly subscriptions: Pick<
    WebhookSubscriptions,
    "list" | "get" | "onChange" | "secrets" | "whyEnded" | "disable"
  >;
  readonly replicas: Pick<Replicas, "own" | "isMine" | "isGone" | "isHeard" | "onChange" | "start" | "stop">;
  /** By which events tell their namespace, of its id. */
  readonly nameOf: (namespace: string) => Promise<string>;
  readonly poster: Pick<Poster, "post" | "close">;
  readonly registry: Registry;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** ms since 1970 UTC. */
  readonly now?: () => number;
}

/**
 * Delivers to webhooks. Each falls to one of the replicas, which holds its record while it delivers to it. Where
 * they do not agree yet, the record decides: it is taken only from one that has left or is not heard any more.
 */
export class Webhooks {
  private readonly deliveries = new Map<string, Delivery>();
  /** Being begun or ended. */
  private readonly busy = new Map<string, Promise<void>>();
  private readonly readers = new Slots(READERS);
  private readonly openers = new Slots(OPENERS);
  private readonly lanes = { prompt: new Slots(PROMPT), slow: new Slots(SLOW) };
  private readonly budget = new QueueBudget();
  private readonly metrics: WebhookMetrics;
  private readonly timers: NodeJS.Timeout[] = [];
  private ticking: Iterator<Delivery> | undefined;
  private warned = false;
  private stopping = false;

  constructor(private readonly parts: WebhooksParts) {
    this.metrics = new WebhookMetrics(parts.registry, () => ({
      ...{ size: this.size, queuedBytes: this.budget.held },
      failing: [...this.deliveries.values()].filter(({ isFailing }) => isFailing).length,
    }));
  }

  /** How many this replica delivers to. */
  get size(): number {
    return this.deliveries.size;
  }

  start(): void {
    const { subscriptions, replicas } = this.parts;
    subscriptions.onChange((namespace, id, now) => this.settle(nameOf({ namespace, id }), now));
    replicas.onChange(() => this.look());
    replicas.start();
    this.timers.push(
      setInterval(() => this.look(), LOOK_MS),
      setInterval(() => this.tick(), TICK_MS),
    );
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const [name, delivery] of this.deliveries) this.end(name, delivery);
    while (this.busy.size > 0) await Promise.all(this.busy.values());
    await this.parts.replicas.stop();
    await this.parts.poster.close();
  }

  /** Begins what falls to this replica and nobody does, and ends what is not to be done, or not by this one. */
  private look(): void {
    this.warned = false;
    const wanted = new Set<string>();
    for (const webhook of this.parts.subscriptions.list()) {
      const name = nameOf(webhook);
      wanted.add(name);
      this.settle(name, webhook);
    }
    for (const name of this.deliveries.keys()) {
      if (!wanted.has(name)) this.settle(name, undefined);
    }
  }

  private settle(name: string, webhook: WebhookSubscription | undefined): void {
    const delivery = this.deliveries.get(name);
    const isMine = webhook?.disabled === undefined && !this.stopping && this.parts.replicas.isMine(name);
    const ended = webhook && this.whyEnded(webhook);
    if (webhook === undefined || !isMine || (delivery !== undefined && ended !== undefined)) {
      if (delivery !== undefined) this.end(name, delivery);
    } else if (delivery !== undefined) delivery.webhook = webhook;
    else if (!this.busy.has(name)) {
      const work = ended === undefined ? this.begin(name, webhook) : this.withdraw(webhook, ended);
      this.occupy(name, webhook, work);
    }
  }

  private whyEnded(webhook: WebhookSubscription): string | undefined {
    const { subscriptions, now = Date.now } = this.parts;
    return subscriptions.whyEnded(webhook, now());
  }

  /** @param work raises nothing */
  private occupy(name: string, { namespace, id }: WebhookSubscription, work: Promise<unknown>): void {
    const done = work.then((again) => {
      // It has been begun, and is being ended again.
      if (this.busy.get(name) !== done) return;
      this.busy.delete(name);
      // Meanwhile it may have changed.
      if (again !== false) this.settle(name, this.parts.subscriptions.get(namespace, id));
    });
    this.busy.set(name, done);
  }

  /**
   * Unless another replica delivers to it still. Raises nothing.
   *
   * @returns whether it was begun; else it is tried again with the next look
   */
  private async begin(name: string, webhook: WebhookSubscription): Promise<boolean> {
    const { records, replicas, logger } = this.parts;
    const { namespace, id, after } = webhook;
    // What it neither delivers to nor is ending is held by a write whose answer did not come.
    const isOwn = (holder: string) => replicaOf(holder) === replicas.own;
    const leave = await this.openers.acquire();
    try {
      if (this.stopping) return false;
      const namespaceName = await this.parts.nameOf(namespace);
      const held = await records.acquireFree(namespace, id, {
        ...{ holder: replicas.own, via: "webhook", startAfter: after },
        isGone: (holder) => isOwn(holder) || replicas.isGone(replicaOf(holder)),
      });
      if (held !== undefined) this.deliver(name, webhook, held, namespaceName);
      return held !== undefined;
    } catch (err) {
      if (!this.warned) logger.warn({ err, namespace, subscription: id }, "cannot deliver to a webhook yet");
      this.warned = true;
      return false;
    } finally {
      leave();
    }
  }

  private deliver(name: string, webhook: WebhookSubscription, held: Held, namespaceName: string): void {
    const { poster, subscriptions, replicas, logger, now = Date.now, schedule, sleep } = this.parts;
    const { namespace, id } = webhook;
    const delivery: Delivery = new Delivery(webhook, {
      ...{ held, now, lanes: this.lanes, budget: this.budget },
      ...(schedule && { schedule }),
      ...(sleep && { sleep }),
      cursorAfter: (position, sink) => this.cursor(webhook, namespaceName, position, sink),
      post: (url, headers, body) => poster.post(url, headers, body),
      secrets: (at) => subscriptions.secrets(webhook, at),
      mayDeliver: () => replicas.isHeard && this.whyEnded(delivery.webhook) === undefined,
      onAttempt: (outcome, events) => this.metrics.attempt(outcome, events),
      onError: (err) => logger.error({ err, namespace, subscription: id }, "cannot deliver to a webhook"),
      onGivenUp: (reason) => void this.giveUp(name, delivery, reason),
    });
    held.onLost(() => {
      if (this.deliveries.get(name) === delivery) this.end(name, delivery);
    });
    this.deliveries.set(name, delivery);
    delivery.start();
  }

  private cursor(webhook: WebhookSubscription, name: string, after: number, sink: EventSink) {
    const { log, feeds, logger } = this.parts;
    const { filters, namespace } = webhook;
    return new EventCursor(
      {
        ...{ log, feeds, logger, filters, readers: this.readers, sink },
        namespace: { id: namespace, name },
      },
      after,
    );
  }

  /** Its decision ends it. Until there is one, nothing is delivered, and it stays this replica's. */
  private async giveUp(name: string, delivery: Delivery, reason: string): Promise<void> {
    const { subscriptions, logger } = this.parts;
    const { namespace, id } = delivery.webhook;
    logger.info({ namespace, subscription: id, reason }, "a webhook is disabled");
    while (this.deliveries.get(name) === delivery) {
      try {
        await subscriptions.disable(namespace, id, reason);
        this.metrics.disabled();
        break;
      } catch (err) {
        logger.warn({ err, namespace, subscription: id }, "cannot disable a webhook; trying again");
        await sleepFor(DISABLE_MS, undefined, { ref: false });
      }
    }
    await sleepFor(DISABLE_MS, undefined, { ref: false });
    // It was enabled again before this replica heard that it was disabled.
    if (this.deliveries.get(name) === delivery) this.end(name, delivery);
  }

  /** Nobody answers for it any more. What fails is tried again with the next look. Raises nothing. */
  private async withdraw({ namespace, id, granted }: WebhookSubscription, reason: string): Promise<false> {
    const { subscriptions, logger } = this.parts;
    try {
      await subscriptions.disable(namespace, id, reason, granted);
      logger.info({ namespace, subscription: id, reason }, "a webhook is disabled");
      this.metrics.disabled();
    } catch (err) {
      if (!this.warned) logger.warn({ err, namespace, subscription: id }, "cannot disable a webhook yet");
      this.warned = true;
    }
    return false;
  }

  private end(name: string, delivery: Delivery): void {
    this.deliveries.delete(name);
    this.occupy(name, delivery.webhook, delivery.end());
  }

  /** Some at a time, so that many that get nothing write little. */
  private tick(): void {
    for (let left = Math.min(PER_TICK, this.size); left > 0; left--) {
      let next = this.ticking?.next();
      if (next === undefined || next.done) {
        this.ticking = this.deliveries.values();
        next = this.ticking.next();
      }
      if (!next.done) next.value.tick();
    }
  }
}

function nameOf({ namespace, id }: Pick<WebhookSubscription, "namespace" | "id">): string {
  return `${namespace}/${id}`;
}
