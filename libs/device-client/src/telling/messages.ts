import { randomUUID } from "node:crypto";
import { InvalidOption } from "../errors.js";
import { encodeLevel } from "../link/topics.js";
import type { PropertyValue } from "../properties/merge-patch.js";
import type { Outgoing } from "../store/outbox.js";

/** Something that happened. */
export interface DeviceEvent {
  readonly name: string;
  readonly action?: string;
  readonly value?: string | number | boolean;
  readonly place?: string;
  readonly location?: { readonly latitude: number; readonly longitude: number };
  /** Default: now. */
  readonly time?: Date;
  readonly data?: PropertyValue;
}

/** Values measured at one moment, by name: `^[a-z0-9](_?[a-z0-9])*$`, up to 64 characters. */
export interface Measurement {
  readonly value: Readonly<Record<string, number>>;
  /** Default: now. */
  readonly time?: Date;
  /** Of the configuration under which it was measured. */
  readonly revision?: number;
}

export interface LogEntry {
  readonly severity: "info" | "warning" | "error";
  readonly message: string;
  /** Default: now. */
  readonly time?: Date;
  readonly revision?: number;
}

/** Recorded data that the platform may want. */
export interface Offer {
  readonly sensor: string;
  readonly sensorType?: string;
  /** `data-record`, or a media type. */
  readonly format: string;
  /** Number of the data request that it answers; absent: data of now. */
  readonly request?: number;
  readonly start?: Date;
  readonly end?: Date;
  readonly location?: { readonly latitude: number; readonly longitude: number };
  readonly fileName?: string;
}

const ATTRIBUTE = /^[a-z0-9](_?[a-z0-9])*$/;
const MOST_AT_ONCE = 4_096;
const MOST_BYTES = 200_000;

/** Raises InvalidOption, like those below, for what the platform would refuse. */
export function eventMessage(event: DeviceEvent, now: Date): Outgoing {
  if (typeof event.name !== "string" || event.name === "") throw new InvalidOption("name", "is missing");
  const { time = now, ...said } = event;
  const payload = { ...said, id: randomUUID(), time: time.toISOString() };
  return publish(`events/*/${encodeLevel(event.name)}`, payload);
}

export function measurementsMessage(measurements: readonly Measurement[], now: Date): Outgoing {
  several("measurements", measurements);
  const list = measurements.map(({ value, time = now, revision }) => {
    const names = Object.keys(value);
    if (names.length === 0 || names.length > 256)
      throw new InvalidOption("value", "must have 1 to 256 attributes");
    for (const name of names) {
      if (name.length > 64 || !ATTRIBUTE.test(name))
        throw new InvalidOption(name, "is no name of an attribute");
      if (!Number.isFinite(value[name])) throw new InvalidOption(name, "must be a finite number");
    }
    return { timestamp: time.getTime() / 1_000, value, revision };
  });
  return publish("measurements/*", list);
}

export function logsMessage(entries: readonly LogEntry[], now: Date): Outgoing {
  several("entries", entries);
  const list = entries.map(({ severity, message, time = now, revision }) => {
    if (!["info", "warning", "error"].includes(severity)) {
      throw new InvalidOption("severity", "must be info, warning or error");
    }
    if (typeof message !== "string" || message.includes("\0")) {
      throw new InvalidOption("message", "must be a text without U+0000");
    }
    return { severity, message, timestamp: time.getTime() / 1_000, revision };
  });
  return publish("logs/*", list);
}

export function acknowledgmentMessage(revision: number, success: boolean, now: Date): Outgoing {
  return publish("acknowledgments/*", [{ revision, success, timestamp: now.getTime() / 1_000 }]);
}

export function offerMessage(offer: Offer, data: Uint8Array): Outgoing {
  if (offer.sensor === "" || offer.format === "") throw new InvalidOption("offer", "needs sensor and format");
  const current = offer.request === undefined && offer.start === undefined ? { current: true } : {};
  return { kind: "offer", topic: JSON.stringify({ ...offer, ...current }), payload: Buffer.from(data) };
}

function publish(topic: string, value: object): Outgoing {
  const payload = Buffer.from(JSON.stringify(value));
  if (payload.length > MOST_BYTES) throw new InvalidOption("payload", `is larger than ${MOST_BYTES} bytes`);
  return { kind: "publish", topic, payload };
}

function several(name: string, list: readonly unknown[]): void {
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_AT_ONCE) {
    throw new InvalidOption(name, `must be 1 to ${MOST_AT_ONCE}`);
  }
}
