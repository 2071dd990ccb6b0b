import { limits, type Position, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable, QueueFull, SignalTooLarge } from "@fieldlog/event-log";
import { identityOf, type PublishedEvent, type PublishedReading } from "@fieldlog/events";
import { RpcError } from "@fieldlog/rpc";
import type { Budget } from "./budget.js";
import type { Digest } from "./digest.js";
import { encodeSignal } from "./encode-signal.js";
import { deviceKey, type Known } from "./known.js";
import { LoadsExceeded } from "./load-cache.js";
import type { OwnWrites } from "./own-writes.js";
import type { EventDraft, PublicationDraft, ReadingDraft } from "./signal.js";

/** Who publishes: a device that proved who it is, or an API key that may write. */
export interface Publisher {
  /** Id. */
  readonly namespace: string;
  readonly kind: "device" | "key";
  readonly id: string;
  readonly budget: Budget;
}

/**
 * What became of an event:
 * - `stored`: it is in the log, flushed
 * - `unknown-device`: it names a device that does not exist; or, of a device, another than itself
 * - `too-large`: no log takes it
 * - `disabled`: nothing of its namespace is taken for now
 * - `exhausted`: the publisher has sent too much; later
 * - `unavailable`: the log did not take it; it may be sent again
 */
export type EventOutcome =
  | { readonly kind: "stored"; readonly position: Position }
  | { readonly kind: "exhausted" | "unavailable"; readonly retryAfterS: number }
  | { readonly kind: "unknown-device" | "too-large" | "disabled"; readonly detail: string };

/** How it came, for the log. */
export interface EventOrigin {
  /** W3C traceparent; empty: not traced. */
  readonly traceParent?: string;
  readonly publication?: PublicationDraft;
  /** Of the whole request, where that was signed: what tells its resend from another one. */
  readonly digest?: Digest;
  /** By the device's clock, where it said so: ms since 1970 UTC. */
  readonly sentAt?: number;
}

export interface EventPublishingParts {
  readonly log: Pick<EventLog, "signals">;
  readonly known: Pick<Known, "namespaces" | "registered">;
  readonly ownWrites?: Pick<OwnWrites, "note">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

const RETRY: EventOutcome = { kind: "unavailable", retryAfterS: 1 };
const EXHAUSTED: EventOutcome = { kind: "exhausted", retryAfterS: 1 };

/** Lets events into the log that anybody publishes, whatever door they come by. */
export class EventPublishing {
  constructor(private readonly parts: EventPublishingParts) {}

  /** Rejects only for what is not foreseen. */
  async publish(
    publisher: Publisher,
    event: PublishedEvent,
    origin: EventOrigin = {},
  ): Promise<EventOutcome> {
    const now = this.parts.now();
    if (!publisher.budget.take(now)) return EXHAUSTED;
    try {
      const { namespaces } = this.parts.known;
      const where = namespaces.peek(publisher.namespace) ?? (await namespaces.get(publisher.namespace));
      if (where?.disabled) return { kind: "disabled", detail: "the namespace is disabled" };
      const device = await this.deviceOf(publisher, event);
      if (device === undefined) return { kind: "unknown-device", detail: "there is no such device" };
      const { namespace } = publisher;
      const traceParent = origin.traceParent ?? "";
      const bytes = encodeSignal({
        ...{ device, digest: origin.digest, receivedAt: now, sentAt: origin.sentAt },
        identity: identityOf(event.identity, event.source),
        occurredAt: event.occurredAt ?? now,
        location: event.location && { ...event.location, source: "" },
        ...{ traceParent, publication: origin.publication },
        body: { case: "event", value: draftOf(event) },
      });
      const position = await this.parts.log.signals.append(namespace, bytes, traceParent || undefined);
      this.parts.ownWrites?.note(namespace, SIGNALS, sequenceOf(position));
      return { kind: "stored", position };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** A device publishes what is its own. A key publishes for a device that exists, or, if it names none, for itself. */
  private async deviceOf(publisher: Publisher, { device }: PublishedEvent): Promise<string | undefined> {
    const { kind, id, namespace } = publisher;
    if (kind === "device") return device === undefined || device === id ? id : undefined;
    const itself = `key:${id}`;
    if (device === undefined || device === itself) return itself;
    if (device.length > limits.idLength || device.includes("/")) return undefined;
    return (await this.parts.known.registered.get(deviceKey(namespace, device)))?.id;
  }
}

function draftOf(event: PublishedEvent): EventDraft {
  const { name, action, value, place, source, subject, dataSchema, dataContentType, data, extensions } =
    event;
  const [reading, ...otherReadings] = event.readings.map(readingOf);
  return {
    ...{ name, reading, otherReadings },
    details: { action, value, place, source, subject, dataSchema, dataContentType, data, extensions },
  };
}

function readingOf(reading: PublishedReading): ReadingDraft {
  return { ...reading, occurredAt: undefined, eventCount: undefined, windowS: undefined };
}

function failureOf(error: unknown): EventOutcome {
  if (error instanceof LogUnavailable || error instanceof QueueFull) {
    return { kind: "unavailable", retryAfterS: error.retryAfterS };
  }
  if (error instanceof SignalTooLarge) return { kind: "too-large", detail: error.message };
  if (error instanceof RpcError || error instanceof LoadsExceeded) return RETRY;
  throw error;
}
