import { counter, gauge, type Registry } from "@fieldlog/runtime";

/** What webhooks do, for the operator. */
export class WebhookMetrics {
  private readonly attempts;
  private readonly events;
  private readonly givenUp;

  /** @param size how many this replica delivers to */
  constructor(
    private readonly registry: Registry,
    size: () => number,
  ) {
    this.attempts = counter(registry, {
      name: "fieldlog_webhooks_attempts_total",
      help: "Requests to endpoints, by outcome: delivered, failed, gone.",
      labelNames: ["outcome"],
    });
    this.events = counter(registry, {
      name: "fieldlog_webhooks_events_total",
      help: "Events that endpoints have taken.",
    });
    this.givenUp = counter(registry, {
      name: "fieldlog_webhooks_disabled_total",
      help: "Webhooks that were disabled because their endpoints failed for days, or wanted no more.",
    });
    gauge(this.registry, {
      name: "fieldlog_webhooks_deliveries",
      help: "Webhooks that this replica delivers to.",
      collect() {
        this.set(size());
      },
    });
  }

  attempt(outcome: string, events: number): void {
    this.attempts.inc({ outcome });
    if (outcome === "delivered") this.events.inc(events);
  }

  disabled(): void {
    this.givenUp.inc();
  }
}
