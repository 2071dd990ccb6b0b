import { type Count, observeDeliveries } from "@fieldlog/fan-out";
import { counter, gauge, type Registry } from "@fieldlog/runtime";

/** What is to be seen at any time. */
export interface WebhooksNow {
  /** How many webhooks this replica delivers to. */
  readonly size: number;
  /** How many of these failed last. */
  readonly failing: number;
  /** Bytes of events that wait for their requests. */
  readonly queuedBytes: number;
}

/** What webhooks do, for the operator. */
export class WebhookMetrics {
  private readonly attempts;
  private readonly events: Count = { count: 0 };
  private readonly givenUp;

  constructor(registry: Registry, now: () => WebhooksNow) {
    this.attempts = counter(registry, {
      name: "fieldlog_webhooks_attempts_total",
      help: "Requests to endpoints, by outcome: delivered, failed, gone.",
      labelNames: ["outcome"],
    });
    observeDeliveries(registry, { webhook: this.events });
    this.givenUp = counter(registry, {
      name: "fieldlog_webhooks_disabled_total",
      help: "Webhooks that were disabled because their endpoints failed for days, or wanted no more.",
    });
    const gauges = {
      deliveries: ["Webhooks that this replica delivers to.", () => now().size],
      failing: [
        "Webhooks of this replica whose endpoints did not take the last request.",
        () => now().failing,
      ],
      queued_bytes: ["Bytes of events that wait for their requests.", () => now().queuedBytes],
    } as const;
    for (const [name, [help, value]] of Object.entries(gauges)) {
      gauge(registry, {
        ...{ name: `fieldlog_webhooks_${name}`, help },
        collect() {
          this.set(value());
        },
      });
    }
  }

  attempt(outcome: string, events: number): void {
    this.attempts.inc({ outcome });
    if (outcome === "delivered") this.events.count += events;
  }

  disabled(): void {
    this.givenUp.inc();
  }
}
