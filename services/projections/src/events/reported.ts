import type { signals } from "@fieldlog/contracts";
import type { ReportedLocation, ReportedReadings } from "@fieldlog/events";

/**
 * A signal as this read model needs it: `quickBatch` reads it, {@link reported} makes it of the generated `Signal`.
 * Times are ms since 1970 UTC.
 */
export interface Reported {
  readonly device: string;
  readonly identity: string;
  readonly receivedAt: number | bigint;
  readonly occurredAt: number | bigint;
  readonly sentAt?: number | bigint | undefined;
  readonly location?: ReportedLocation | undefined;
  readonly body:
    | { readonly case: "event"; readonly value: ReportedEvent }
    | { readonly case: "heartbeat"; readonly value: signals.Heartbeat }
    | { readonly case: undefined };
}

/**
 * The signal as this read model needs it: a body of any other kind only tells that the device was heard.
 * Undefined: not even that, since it is of no device, or came from the platform.
 */
export function reported(signal: signals.Signal): Reported | undefined {
  const { device, identity, receivedAt, occurredAt, sentAt, location, body, publication } = signal;
  if (device === "") return undefined;
  if (body.case === "message" && publication?.topic.startsWith(TO_DEVICES)) return undefined;
  return { device, identity, receivedAt, occurredAt, sentAt, location, body: known(body) };
}

function known(body: signals.Signal["body"]): Reported["body"] {
  if (body.case === "heartbeat") return body;
  if (body.case !== "event") return NOTHING;
  const { $typeName: _, ...event } = body.value;
  return { case: "event", value: event };
}

/** What configurations' topics begin with: nobody but the platform publishes on them. */
export const TO_DEVICES = "configurations/";

const NOTHING: Reported["body"] = { case: undefined };

export interface ReportedEvent extends ReportedReadings {
  readonly name: string;
  readonly action?: string | undefined;
  readonly value?: string | undefined;
  readonly place?: string | undefined;
  readonly source: string;
  readonly subject: string;
  readonly dataSchema: string;
  readonly dataContentType: string;
  readonly data: Uint8Array;
  readonly extensions: Readonly<Record<string, string>>;
  /** Part of the platform that says so; empty: the device. */
  readonly issuer: string;
}
