import type { EventLog } from "@fieldlog/event-log";
import { type CursorRecords, EventCursor, type EventFeeds, type Held, Slots } from "@fieldlog/fan-out";
import type { Logger } from "@fieldlog/runtime";
import { Delivery } from "./delivery.js";
import type { WebhookMetrics } from "./metrics.js";
import type { Poster } from "./post.js";
import { nextAttempt } from "./schedule.js";
import type { WebhookSubscription, WebhookSubscriptions } from "./types.js";

/** Milliseconds between two looks whether there are webhooks that nobody delivers. */
const LOOK_MS = 5_000;
const TICK_MS = 1_000;
/** Cursors that read the log at once. */
const READERS = 16;
/** Records that are asked for at once. */
const AT_ONCE = 32;

export interface WebhooksParts {
  readonly log: EventLog;
  readonly feeds: EventFeeds;
  readonly records: Pick<CursorRecords, "acquireFree">;
  readonly subscriptions: WebhookSubscriptions;
  /** By which events tell their namespace, of its id. */
  readonly nameOf: (namespace: string) => Promise<string>;
  readonly poster: Pick<Poster, "post" | "close">;
  readonly metrics: WebhookMetrics;
  /** Names the replica in records. */
  readonly holder: string;
  /** When to try again; default: as Standard Webhooks has it. */
  readonly schedule?: typeof nextAttempt;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/**
 * Delivers to webhooks. Of the replicas one has each of them: the one that holds its record; when that is gone for
 * 15 s, another takes it over, from where it was.
 */
export class Webhooks {
  private readonly deliveries = new Map<string, Delivery>();
  private readonly readers = new Slots(READERS);
  private readonly timers: NodeJS.Timeout[] = [];
  private looking: Promise<void> | undefined;
  private again = false;
  private stopping = false;

  constructor(private readonly parts: WebhooksParts) {}

  get size(): number {
    return this.deliveries.size;
  }

  start(): void {
    const { subscriptions } = this.parts;
    subscriptions.onChange(() => this.look());
    const tick = () => {
      for (const delivery of this.deliveries.values()) delivery.tick();
    };
    this.timers.push(
      setInterval(() => this.look(), LOOK_MS),
      setInterval(tick, TICK_MS),
    );
    this.look();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.looking;
    await Promise.all([...this.deliveries.values()].map((delivery) => delivery.end()));
    this.deliveries.clear();
    await this.parts.poster.close();
  }

  private look(): void {
    if (this.looking !== undefined) {
      this.again = true;
      return;
    }
    this.looking = this.lookOnce().finally(() => {
      this.looking = undefined;
      const { again } = this;
      this.again = false;
      if (again && !this.stopping) this.look();
    });
  }

  /** Begins what nobody does, and ends what is not to be done any more. Raises nothing. */
  private async lookOnce(): Promise<void> {
    const { subscriptions, logger } = this.parts;
    try {
      const wanted = new Map((await subscriptions.list()).map((webhook) => [nameOf(webhook), webhook]));
      const gone = [...this.deliveries].filter(([name]) => !wanted.has(name));
      await Promise.all(gone.map(([name]) => this.end(name)));
      const missing: WebhookSubscription[] = [];
      for (const [name, webhook] of wanted) {
        const delivery = this.deliveries.get(name);
        if (delivery === undefined) missing.push(webhook);
        else delivery.webhook = webhook;
      }
      for (let i = 0; i < missing.length && !this.stopping; i += AT_ONCE) {
        await Promise.all(missing.slice(i, i + AT_ONCE).map((webhook) => this.begin(webhook)));
      }
    } catch (err) {
      logger.warn({ err }, "could not look for webhooks; trying again");
    }
  }

  /** Unless another replica delivers to it. */
  private async begin(webhook: WebhookSubscription): Promise<void> {
    const { records, holder } = this.parts;
    const { namespace, id, after } = webhook;
    const name = await this.parts.nameOf(namespace);
    const held = await records.acquireFree(namespace, id, { holder, via: "webhook", startAfter: after });
    if (held === undefined) return;
    if (this.stopping) return held.release();
    const delivery = this.delivery(webhook, held);
    held.onLost(() => {
      if (this.deliveries.get(nameOf(webhook)) === delivery) void this.end(nameOf(webhook));
    });
    const { log, feeds, logger } = this.parts;
    const cursor = new EventCursor(
      {
        ...{ log, feeds, logger, readers: this.readers, filters: webhook.filters, sink: delivery },
        namespace: { id: namespace, name },
      },
      held.record.position,
    );
    this.deliveries.set(nameOf(webhook), delivery);
    delivery.begin(cursor);
  }

  private delivery(webhook: WebhookSubscription, held: Held): Delivery {
    const { poster, now, metrics, schedule = nextAttempt } = this.parts;
    return new Delivery(webhook, {
      ...{ held, now, schedule },
      post: (url, headers, body) => poster.post(url, headers, body),
      onAttempt: (outcome, events) => metrics.attempt(outcome, events),
      onGivenUp: (reason) => void this.giveUp(webhook, reason),
    });
  }

  /** Should it not be possible to disable it now, it is tried again, and given up again, soon. */
  private async giveUp(webhook: WebhookSubscription, reason: string): Promise<void> {
    const { subscriptions, logger, metrics } = this.parts;
    const { namespace, id } = webhook;
    logger.info({ namespace, subscription: id, reason }, "a webhook is disabled");
    try {
      await subscriptions.disable(namespace, id, reason);
      metrics.disabled();
    } catch (err) {
      logger.warn({ err, namespace, subscription: id }, "could not disable a webhook");
    }
    await this.end(nameOf(webhook));
  }

  private async end(name: string): Promise<void> {
    const delivery = this.deliveries.get(name);
    this.deliveries.delete(name);
    await delivery?.end();
  }
}

function nameOf({ namespace, id }: Pick<WebhookSubscription, "namespace" | "id">): string {
  return `${namespace}/${id}`;
}
