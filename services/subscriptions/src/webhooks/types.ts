import type { Position, registry } from "@fieldlog/contracts";

/** A subscription whose events go to an endpoint, as it stands now. */
export interface WebhookSubscription {
  /** Namespace id. */
  readonly namespace: string;
  readonly id: string;
  readonly url: string;
  /** Events in one request at most; 0: one, as an object of its own and not as a list. */
  readonly batch: number;
  readonly filters: readonly registry.EventFilter[];
  /** Position after which it began. */
  readonly after: Position;
  /** What its requests are signed with at that time (ms since 1970 UTC): the newest first. */
  secrets(now: number): readonly Uint8Array[];
}

/** The webhooks that there are. */
export interface WebhookSubscriptions {
  /** All that are enabled, in all namespaces. */
  list(): Promise<readonly WebhookSubscription[]>;
  /** The listener is told each time that the list may be another. */
  onChange(listener: () => void): void;
  /** Nothing is delivered until somebody enables it again; its cursor stays. */
  disable(namespace: string, id: string, reason: string): Promise<void>;
}
