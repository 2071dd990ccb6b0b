import { isFieldSet } from "@bufbuild/protobuf";
import { limits, saf } from "@fieldlog/contracts";
import type { LocationDraft, ReadingDraft, SignalBody } from "../admit/signal.js";
import { parseDate } from "./dates.js";
import { readLocation } from "./location.js";
import { Refusal, refusals } from "./refusal.js";
import { readSigned, type Signed } from "./signed.js";
import { decode } from "./wire.js";
import { PICK, sensorTypes } from "./words.js";

/** What a signed message says, before it is known whether the device has such sensors. */
export interface Reported {
  readonly signed: Signed;
  readonly occurredAt: number;
  readonly location: LocationDraft | undefined;
  readonly body: SignalBody;
}

const field = saf.EventMessageSchema.field;
const eventField = saf.EventMessage_SensorEventSchema.field;

/**
 * A pick (A8). A reading whose type the sender left out, as the stock reference client does, has an
 * empty `sensorType` until {@link fillSensors} has seen the device.
 */
export function readEvent(bytes: Uint8Array): Reported | Refusal {
  const message = decode(saf.EventMessageSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  if (message.event === undefined) return refusals.missing("event");
  const { event, otherReadings } = message;
  for (const name of ["sensorId", "readings", "eventCount", "timeWindow"] as const) {
    if (!isFieldSet(event, eventField[name])) return refusals.missing(eventField[name].name);
  }
  const signed = readSigned(message.clientSignature);
  if (signed instanceof Refusal) return signed;
  const occurredAt = isFieldSet(event, eventField.date) ? parseDate(event.date) : signed.sentAt;
  if (occurredAt === undefined) return refusals.badDate(event.date);
  const location = readLocation(
    isFieldSet(message, field.latitude) ? message.latitude : undefined,
    isFieldSet(message, field.longitude) ? message.longitude : undefined,
    isFieldSet(message, field.locationType) ? message.locationType : undefined,
  );
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
  return {
    signed,
    occurredAt,
    location,
    body: { case: "event", value: { name: PICK, reading, otherReadings: others } },
  };
}

function readOther(event: saf.EventMessage_SensorEvent, signalOccurredAt: number): ReadingDraft | Refusal {
  if (!isFieldSet(event, eventField.sensorId)) return refusals.missing("sensor_id");
  if (event.readings.length === 0) return refusals.missing("readings");
  if (!isFieldSet(event, eventField.date)) return readReading(event, undefined);
  const occurredAt = parseDate(event.date);
  if (occurredAt === undefined) return refusals.badDate(event.date);
  return readReading(event, occurredAt === signalOccurredAt ? undefined : occurredAt);
}

function readReading(
  event: saf.EventMessage_SensorEvent,
  occurredAt: number | undefined,
): ReadingDraft | Refusal {
  for (const value of event.readings) {
    if (!Number.isFinite(value)) return refusals.invalid("Field readings holds what is not a number.");
  }
  const eventCount = isFieldSet(event, eventField.eventCount) ? event.eventCount : undefined;
  const windowS = isFieldSet(event, eventField.timeWindow) ? event.timeWindow : undefined;
  if (eventCount !== undefined && eventCount < 0) return refusals.invalid("Field event_count is negative.");
  if (windowS !== undefined && windowS < 0) return refusals.invalid("Field time_window is negative.");
  return {
    sensor: String(event.sensorId),
    sensorType: isFieldSet(event, eventField.sensorType) ? sensorTypes.word(event.sensorType) : "",
    values: event.readings,
    occurredAt,
    eventCount,
    windowS,
  };
}
