import type { subscriptions } from "@fieldlog/contracts";
import { describeFilter } from "@fieldlog/filters";
import { optionalTime, time } from "./json.js";

/** A subscription without its status. */
export function subscriptionJson(subscription: subscriptions.Subscription) {
  const { id, name, owner, filters, delivery, webhook, after, createdAt, disabledReason } = subscription;
  return {
    ...{ id, name, owner, filters: filters.map(describeFilter) },
    delivery: webhook === undefined ? delivery : { webhook: webhookJson(webhook) },
    after: Number(after ?? 0n),
    createdAt: time(createdAt),
    disabled: disabledReason === "" ? null : { reason: disabledReason },
  };
}

export function subscriptionWithStatusJson(subscription: subscriptions.Subscription) {
  return { ...subscriptionJson(subscription), status: statusJson(subscription.status) };
}

function webhookJson({ url, batch }: NonNullable<subscriptions.Subscription["webhook"]>) {
  return batch === 0 ? { url } : { url, batch };
}

function statusJson(status: subscriptions.SubscriptionStatus | undefined) {
  return {
    connected: status?.connected ?? false,
    position: status?.position === undefined ? null : Number(status.position),
    lag: { events: status?.lagEvents ?? 0, seconds: status?.lagS ?? 0 },
    lastDeliveryAt: optionalTime(status?.lastDeliveryAt),
    delivered: Number(status?.delivered ?? 0n),
    failures: status?.failures ?? 0,
    failingSince: optionalTime(status?.failingSince),
    nextAttemptAt: optionalTime(status?.nextAttemptAt),
    lastError: status?.lastError ? status.lastError : null,
  };
}
