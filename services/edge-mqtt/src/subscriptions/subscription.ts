import type { Position } from "@fieldlog/contracts";
import type { QoS } from "../sessions/types.js";
import type { Skimmed } from "./skim.js";

/** What a session has subscribed to. */
export interface Subscription {
  /** Without `$share/<group>/`. */
  readonly filter: string;
  readonly share: string | undefined;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** MQTT 5 subscription identifier. */
  readonly id: number | undefined;
  /** It sees what comes after that. */
  readonly after: Position;
}

/** How a message goes to one client. */
export interface Terms {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly subscriptionIds: readonly number[];
}

const NONE: readonly number[] = [];

/**
 * One delivery for all subscriptions of a client that match: with the highest QoS that they grant, but not more
 * than it was published with [MQTT-3.8.4-8], [MQTT-3.3.4-2]; with all their identifiers [MQTT-3.3.4-4]; not back to
 * its publisher where a subscription is not for local messages [MQTT-3.8.3-3]; with the publisher's retain flag
 * only where a subscription asks for it [MQTT-3.3.1-12], [MQTT-3.3.1-13].
 *
 * @returns undefined if it is for none of them
 */
export function termsOf(
  subscriptions: readonly Subscription[],
  message: Pick<Skimmed, "position" | "qos" | "retain" | "clientId">,
  clientId: string,
): Terms | undefined {
  let granted = -1;
  let asPublished = false;
  let ids: number[] | undefined;
  for (const subscription of subscriptions) {
    if (message.position <= subscription.after) continue;
    if (subscription.noLocal && message.clientId === clientId) continue;
    granted = Math.max(granted, subscription.qos);
    asPublished ||= subscription.retainAsPublished;
    if (subscription.id !== undefined && !ids?.includes(subscription.id)) {
      if (ids === undefined) ids = [subscription.id];
      else ids.push(subscription.id);
    }
  }
  if (granted < 0) return undefined;
  return {
    qos: Math.min(granted, message.qos) as QoS,
    retain: asPublished && message.retain,
    subscriptionIds: ids ?? NONE,
  };
}

/** How a subscription is named in SUBSCRIBE: filters of one name replace each other [MQTT-3.8.4-3]. */
export function nameOfFilter({ filter, share }: { filter: string; share?: string | undefined }): string {
  return share === undefined ? filter : `$share/${share}/${filter}`;
}
