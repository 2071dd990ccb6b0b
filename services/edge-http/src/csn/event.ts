import type { LocationDraft, ReadingDraft, SignalBody } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { parseDate } from "./dates.js";
import { decodeEventMessage, type RawSensorEvent } from "./event-message.js";
import { readLocation } from "./location.js";
import { Refusal, refusals } from "./refusal.js";
import { readSigned, type Signed } from "./signed.js";
import { PICK, sensorTypes } from "./words.js";

/** What CSN's messages report. */
export type CsnBody = Extract<SignalBody, { case: "event" | "heartbeat" }>;

/** What a signed message says, before it is known whether the device has such sensors. */
export interface Reported {
  readonly signed: Signed;
  readonly occurredAt: number;
  readonly location: LocationDraft | undefined;
  readonly body: CsnBody;
}

/** A8: what a SensorEvent must have. Its sensor_type too, but the stock reference client leaves that out. */
const required = [
  ["sensorId", "sensor_id"],
  ["readings", "readings"],
  ["eventCount", "event_count"],
  ["timeWindow", "time_window"],
] as const;

/**
 * A pick (A8). A reading whose type the sender left out, as the stock reference client does, has an
 * empty `sensorType` until {@link fillSensors} has seen the device.
 */
export function readEvent(bytes: Uint8Array): Reported | Refusal {
  const message = decodeEventMessage(bytes);
  if (message === undefined) return refusals.undecodable;
  const { event, otherReadings, signature } = message;
  if (signature === undefined) return refusals.missing("client_signature");
  if (event === undefined) return refusals.missing("event");
  for (const [key, name] of required) if (isMissing(event[key])) return refusals.missing(name);
  const signed = readSigned(signature);
  if (signed instanceof Refusal) return signed;
  const occurredAt = event.date === undefined ? signed.sentAt : parseDate(event.date);
  if (occurredAt === undefined) return refusals.badDate(event.date ?? "");
  const location = readLocation(message.latitude, message.longitude, message.locationType);
  if (location instanceof Refusal) return location;
  let values = event.readings.length;
  for (const other of otherReadings) values += 1 + other.readings.length;
  if (values > limits.readingsPerEvent) {
    return refusals.invalid(`There are more than ${limits.readingsPerEvent} readings.`);
  }
  const reading = readReading(event, undefined);
  if (reading instanceof Refusal) return reading;
  const others: ReadingDraft[] = [];
  for (const other of otherReadings) {
    const read = readOther(other, occurredAt);
    if (read instanceof Refusal) return read;
    others.push(read);
  }
  const value = { name: PICK, reading, otherReadings: others };
  return { signed, occurredAt, location, body: { case: "event", value } };
}

function isMissing(value: string | number | readonly number[] | undefined): boolean {
  return value === undefined || (typeof value === "object" && value.length === 0);
}

function readOther(event: RawSensorEvent, signalOccurredAt: number): ReadingDraft | Refusal {
  if (event.sensorId === undefined) return refusals.missing("sensor_id");
  if (event.readings.length === 0) return refusals.missing("readings");
  if (event.date === undefined) return readReading(event, undefined);
  const occurredAt = parseDate(event.date);
  if (occurredAt === undefined) return refusals.badDate(event.date);
  return readReading(event, occurredAt === signalOccurredAt ? undefined : occurredAt);
}

function readReading(event: RawSensorEvent, occurredAt: number | undefined): ReadingDraft | Refusal {
  const { sensorId = "", sensorType, readings, eventCount, timeWindow } = event;
  for (const value of readings) {
    if (!Number.isFinite(value)) return refusals.invalid("Field readings holds what is not a number.");
  }
  if (eventCount !== undefined && eventCount < 0) return refusals.invalid("Field event_count is negative.");
  if (timeWindow !== undefined && timeWindow < 0) return refusals.invalid("Field time_window is negative.");
  return {
    sensor: sensorId,
    // A type that CSN does not have counts as not given, as protobuf wants it.
    sensorType: (sensorType === undefined ? undefined : sensorTypes.word(sensorType)) ?? "",
    values: readings,
    occurredAt,
    eventCount,
    windowS: timeWindow,
  };
}
