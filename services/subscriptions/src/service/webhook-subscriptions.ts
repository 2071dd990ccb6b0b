import type { Aggregates } from "@fieldlog/aggregates";
import type { Position, registry } from "@fieldlog/contracts";
import { UnknownSubscription } from "../decisions/refusals.js";
import { disableSubscription, type Grant, subscription } from "../decisions/subscription.js";
import type { Row } from "./namespace-rows.js";
import type { Secrets } from "./secrets.js";
import type { SubscriptionTable } from "./table.js";

/** A subscription whose events are posted to a URL. */
export interface WebhookSubscription {
  /** Id. */
  readonly namespace: string;
  readonly id: string;
  readonly url: string;
  /** Events in one request at most. */
  readonly batch: number;
  /** An event is for it if any of these holds. */
  readonly filters: readonly registry.EventFilter[];
  /** Position after which it begins; 0: the beginning. */
  readonly after: Position;
  /** Why nothing is delivered; undefined: it is. */
  readonly disabled: string | undefined;
  /** Who answers for it. */
  readonly granted: Grant;
  /** Of its newest decision. */
  readonly sequence: number;
}

/** All webhooks of the installation, for whoever delivers to them. */
export class WebhookSubscriptions {
  constructor(
    private readonly table: SubscriptionTable,
    private readonly secretsOf: Secrets,
    private readonly aggregates: Aggregates,
  ) {}

  /** Disabled ones too; none until the decisions are read. */
  list(): WebhookSubscription[] {
    return [...this.table.all()].flatMap((row) => webhookOf(row) ?? []);
  }

  get(namespace: string, id: string): WebhookSubscription | undefined {
    return webhookOf(this.table.get(namespace, id));
  }

  /**
   * Told of every change of a webhook, and of each of them once the decisions are read. undefined: it is removed,
   * or a subscription of another kind changed.
   */
  onChange(listener: (namespace: string, id: string, now: WebhookSubscription | undefined) => void): void {
    this.table.onChange((namespace, id, row) => listener(namespace, id, webhookOf(row)));
  }

  /** Those that sign at that time (ms since 1970 UTC), newest first; none: it is removed. Raises CannotOpen. */
  secrets({ namespace, id }: Pick<WebhookSubscription, "namespace" | "id">, now: number): readonly string[] {
    const row = this.table.get(namespace, id);
    return row === undefined ? [] : this.secretsOf.open(row.state, namespace, id, now);
  }

  /** Why nobody answers for it at that time (ms since 1970 UTC): the API key is good no more. undefined: it is. */
  whyEnded({ namespace, granted }: WebhookSubscription, now: number): string | undefined {
    return this.table.endedKeys.why(namespace, granted, now);
  }

  /**
   * Without an effect on one that is disabled or removed already. Raises LogUnavailable, TooManyConflicts.
   *
   * @param granted for which it is disabled: one that somebody has enabled since stays as it is
   */
  async disable(namespace: string, id: string, reason: string, granted?: Grant): Promise<void> {
    const decide = disableSubscription(reason, granted);
    try {
      await this.aggregates.transact(subscription, { namespace, id }, decide, "system");
    } catch (error) {
      if (!(error instanceof UnknownSubscription)) throw error;
    }
  }
}

function webhookOf(row: Row | undefined): WebhookSubscription | undefined {
  if (row?.state.webhook === undefined) return undefined;
  const { namespace, id, sequence, state } = row;
  const { url, batch } = row.state.webhook;
  const { filters, after = 0, disabled, granted } = state;
  return { namespace, id, url, batch, filters, after, disabled, granted, sequence };
}
