import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Position, registry } from "@fieldlog/contracts";
import { type Decider, type DecisionPoint, InvalidField, type Outcome } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { checkBatch, checkFilters, checkName, checkOwner, checkUrl } from "./accepted.js";
import { NoWebhook, UnknownSubscription } from "./refusals.js";

// Ids: 16 hexadecimal digits, at random.

export const SUBSCRIPTION_ID = /^[0-9a-f]{16}$/;

// Events: SubscriptionCreated, SubscriptionRemoved, SubscriptionDisabled, SubscriptionEnabled,
// WebhookSecretRotated, WebhookSecretResealed. Their names and fields are the storage format of the permanent log.

type Recorded = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;

// State

const DELIVERIES = ["poll", "stream", "webhook"] as const;

export interface Webhook {
  readonly url: string;
  /** Events in one request at most. */
  readonly batch: number;
  readonly secret: Sealed;
  /** Signs as well, until then; ms since 1970 UTC. */
  readonly previous?: { readonly secret: Sealed; readonly until: number };
}

export interface Grant {
  readonly by: string;
  readonly sequence: number;
}

export interface ActiveSubscription {
  readonly phase: "active";
  readonly filters: readonly registry.EventFilter[];
  readonly name: string;
  readonly owner: string;
  readonly delivery: string;
  /** Where it begins; absent: at the beginning. */
  readonly after?: Position;
  readonly webhook?: Webhook;
  /** Who answers for it, and since which decision: its owner, or who enabled it last. */
  readonly granted: Grant;
  /** ms since 1970 UTC. */
  readonly createdAt: number;
  /** Why nothing is delivered; absent: it is. */
  readonly disabled?: string;
}

export type Subscription = { readonly phase: "none" } | ActiveSubscription | { readonly phase: "removed" };

export const subscription: Decider<Subscription> = {
  kind: "subscription",
  initial: { phase: "none" },
  evolve: (state, { event }, at) => {
    if (state.phase === "none") {
      return event.case === "subscriptionCreated" ? created(event.value, at) : state;
    }
    return state.phase === "active" ? changed(state, event, at) : state;
  },
};

function created(
  event: registry.SubscriptionCreated,
  { sequence, decidedAt }: DecisionPoint,
): ActiveSubscription {
  const { filters, name, owner, delivery, after, webhook } = event;
  return {
    ...{ phase: "active", filters, name, owner, delivery, createdAt: decidedAt },
    granted: { by: owner, sequence },
    ...(after === undefined ? {} : { after: Number(after) }),
    ...(webhook?.secret === undefined
      ? {}
      : { webhook: { url: webhook.url, batch: webhook.batch || 1, secret: webhook.secret } }),
  };
}

function changed(
  state: ActiveSubscription,
  event: registry.RegistryEvent["event"],
  { sequence, decidedBy }: DecisionPoint,
): Subscription {
  switch (event.case) {
    case "subscriptionRemoved":
      return { phase: "removed" };
    case "subscriptionDisabled":
      return { ...state, disabled: event.value.reason || "unknown" };
    case "subscriptionEnabled": {
      const { disabled: _, ...enabled } = state;
      return { ...enabled, granted: { by: decidedBy, sequence } };
    }
    case "webhookSecretRotated":
      return rotated(state, event.value);
    case "webhookSecretResealed":
      return resealed(state, event.value);
    default:
      return state;
  }
}

function rotated(state: ActiveSubscription, event: registry.WebhookSecretRotated): ActiveSubscription {
  const { secret, previousUntil } = event;
  if (state.webhook === undefined || secret === undefined) return state;
  const previous = { secret: state.webhook.secret, until: Number(previousUntil) };
  return { ...state, webhook: { ...state.webhook, secret, previous } };
}

function resealed(state: ActiveSubscription, event: registry.WebhookSecretResealed): ActiveSubscription {
  const { secret, previous } = event;
  if (state.webhook === undefined || secret === undefined) return state;
  const { previous: before, ...webhook } = state.webhook;
  const kept = before && previous ? { previous: { ...before, secret: previous } } : {};
  return { ...state, webhook: { ...webhook, secret, ...kept } };
}

// Decisions: each takes what is asked and gives a function of the state. That returns the events that lead
// there, none if everything is so already, or raises a refusal.

export interface NewSubscription {
  readonly filters: readonly registry.EventFilter[];
  readonly name: string;
  readonly owner: string;
  readonly delivery: string;
  readonly after?: Position | undefined;
  readonly webhook?: { readonly url: string; readonly batch: number } | undefined;
}

/** Raises InvalidField. */
export function checkNew({ filters, name, owner, delivery, webhook }: NewSubscription): void {
  checkFilters(filters);
  checkName(name);
  checkOwner(owner);
  if (!DELIVERIES.some((one) => one === delivery)) {
    throw new InvalidField("delivery", `is none of ${DELIVERIES.join(", ")}`);
  }
  if (webhook !== undefined && delivery !== "webhook") {
    throw new InvalidField("webhook", `is not for delivery ${delivery}`);
  }
  if (delivery !== "webhook") return;
  if (webhook === undefined) throw new InvalidField("webhook", "is missing");
  checkUrl(webhook.url);
  checkBatch(webhook.batch);
}

/** @param secret of a webhook, sealed */
export function createSubscription(asked: NewSubscription, secret: Sealed | undefined) {
  return (state: Subscription): Outcome<undefined> => {
    if (state.phase !== "none") return nothing;
    checkNew(asked);
    const { name, owner, delivery, after, webhook } = asked;
    return recorded({
      case: "subscriptionCreated",
      value: {
        ...{ filters: [...asked.filters], name, owner, delivery },
        ...(after === undefined ? {} : { after: BigInt(after) }),
        ...(webhook && secret ? { webhook: { url: webhook.url, batch: webhook.batch, secret } } : {}),
      },
    });
  };
}

/** For ever. Of one that is removed already, nothing: who lost the answer may ask again. */
export function removeSubscription(state: Subscription): Outcome<undefined> {
  if (state.phase === "none") throw new UnknownSubscription();
  return state.phase === "removed" ? nothing : recorded({ case: "subscriptionRemoved", value: {} });
}

const REASON_LENGTH = 300;

/** @param granted for which it is disabled; absent: for any. Of one that somebody has enabled since, nothing. */
export function disableSubscription(reason: string, granted?: Grant) {
  return (state: Subscription): Outcome<undefined> => {
    const now = active(state);
    if (now.disabled !== undefined) return nothing;
    if (granted !== undefined && now.granted.sequence !== granted.sequence) return nothing;
    return recorded({ case: "subscriptionDisabled", value: { reason: reason.slice(0, REASON_LENGTH) } });
  };
}

export function enableSubscription(state: Subscription): Outcome<undefined> {
  if (active(state).disabled === undefined) return nothing;
  return recorded({ case: "subscriptionEnabled", value: {} });
}

/** @param previousUntil until when the secret that it has now signs as well; ms since 1970 UTC */
export function rotateSecret(secret: Sealed, previousUntil: number) {
  return (state: Subscription): Outcome<undefined> => {
    if (active(state).webhook === undefined) throw new NoWebhook();
    const value = { secret, previousUntil: BigInt(previousUntil) };
    return recorded({ case: "webhookSecretRotated", value });
  };
}

/**
 * Of a subscription without a secret, or one that is sealed as it should be: nothing.
 *
 * @param reseal a secret, sealed by the key that seals now; undefined: it is, or no key opens it
 */
export function resealSecret(reseal: (box: Sealed) => Sealed | undefined) {
  return (state: Subscription): Outcome<undefined> => {
    const webhook = state.phase === "active" ? state.webhook : undefined;
    if (webhook === undefined) return nothing;
    const [secret, previous] = [reseal(webhook.secret), webhook.previous && reseal(webhook.previous.secret)];
    if (secret === undefined && previous === undefined) return nothing;
    const before = previous ?? webhook.previous?.secret;
    return recorded({
      case: "webhookSecretResealed",
      value: {
        secret: { ...(secret ?? webhook.secret) },
        ...(before === undefined ? {} : { previous: { ...before } }),
      },
    });
  };
}

/** Raises UnknownSubscription. */
export function active(state: Subscription): ActiveSubscription {
  if (state.phase !== "active") throw new UnknownSubscription();
  return state;
}

const nothing: Outcome<undefined> = { events: [], result: undefined };

function recorded(event: Recorded): Outcome<undefined> {
  return { events: [{ event }], result: undefined };
}
