import type { signals } from "@fieldlog/contracts";
import { storable } from "../storable.js";

/** A signal as this read model needs it: what one message told. */
export interface Readings {
  readonly identity: string;
  /** ms since 1970 UTC. */
  readonly receivedAt: number;
  readonly measurements: readonly Measured[];
  readonly entries: readonly Logged[];
}

export interface Measured {
  /** s since 1970 UTC, by the device's clock; a number. */
  readonly seconds: number;
  readonly revision: number | undefined;
  readonly attributes: readonly string[];
  /** As many as attributes. */
  readonly values: readonly number[];
}

export interface Logged {
  readonly seconds: number;
  readonly revision: number | undefined;
  readonly severity: string;
  readonly message: string;
  readonly details: string | undefined;
  readonly divided: boolean;
}

const NONE: readonly never[] = [];

/** Undefined: the signal is none of this read model's. */
export function readingsOf(signal: signals.Signal): Readings | undefined {
  const { identity, body } = signal;
  const receivedAt = Number(signal.receivedAt);
  const common = { identity, receivedAt };
  if (body.case === "measurements") {
    return { ...common, measurements: body.value.measurements.map(measured), entries: NONE };
  }
  if (body.case === "logEntries") {
    return { ...common, measurements: NONE, entries: body.value.entries.map(logged) };
  }
  if (body.case === "rejection") {
    return { ...common, measurements: NONE, entries: [rejected(body.value, receivedAt)] };
  }
  return undefined;
}

export function measured({ occurredAt, revision, attributes, values }: signals.Measurement): Measured {
  const count = Math.min(attributes.length, values.length);
  const names = attributes.slice(0, count).map(storable);
  return { seconds: number(occurredAt), revision, attributes: names, values: values.slice(0, count) };
}

export function logged({
  occurredAt,
  revision,
  severity,
  message,
  details,
  divided,
}: signals.LogEntry): Logged {
  return {
    ...{ seconds: number(occurredAt), revision, severity: storable(severity), message: storable(message) },
    ...{ details: details === undefined ? undefined : storable(details), divided },
  };
}

/** A rejection as an entry of the device's log, at the time when an edge refused. */
export function rejected({ topic, reason, count }: signals.Rejection, receivedAt: number): Logged {
  const times = count > 1 ? ` (${count} times)` : "";
  return {
    ...{ seconds: receivedAt / 1_000, revision: undefined, severity: "error", message: "rejected publish" },
    ...{ details: storable(`${topic}: ${reason}${times}`), divided: true },
  };
}

/** A time that can be compared: what is no number is 0, and so is the negative zero. */
export function number(seconds: number): number {
  return seconds || 0;
}
