import type { EventDraft, HeartbeatDraft, LocationDraft, ReadingDraft, SignalDraft } from "./signal.js";
import * as writer from "./wire-writer.js";

// `fieldlog.signals.v1.Signal` by hand: on the hot path this takes a fraction of what toBinary does.
// A property test holds it against the generated code. Tags are field number << 3 | wire type.
const VARINT = 0;
const BIT64 = 1;
const BYTES = 2;
const tag = (field: number, wire: number) => (field << 3) | wire;

const SIGNAL = {
  device: tag(1, BYTES),
  identity: tag(2, BYTES),
  digest: tag(3, BYTES),
  receivedAt: tag(4, VARINT),
  occurredAt: tag(5, VARINT),
  sentAt: tag(6, VARINT),
  location: tag(7, BYTES),
  traceParent: tag(8, BYTES),
  event: tag(16, BYTES),
  heartbeat: tag(17, BYTES),
} as const;
const LOCATION = { latitude: tag(1, BIT64), longitude: tag(2, BIT64), source: tag(3, BYTES) } as const;
const EVENT = { name: tag(1, BYTES), reading: tag(2, BYTES), otherReadings: tag(3, BYTES) } as const;
const READING = {
  sensor: tag(1, BYTES),
  sensorType: tag(2, BYTES),
  values: tag(3, BYTES),
  occurredAt: tag(4, VARINT),
  eventCount: tag(5, VARINT),
  windowS: tag(6, VARINT),
} as const;
const HEARTBEAT = {
  status: tag(1, BYTES),
  rates: tag(2, BYTES),
  connectedSensors: tag(3, BYTES),
  disconnectedSensors: tag(4, BYTES),
  latestRequestId: tag(5, VARINT),
} as const;
const RATE = { sensor: tag(1, BYTES), eventCount: tag(2, VARINT), windowS: tag(3, VARINT) } as const;

/** The bytes of the signal, as `toBinary(SignalSchema, …)` would give them. */
export function encodeSignal(signal: SignalDraft): Uint8Array {
  writer.begin();
  text(SIGNAL.device, signal.device);
  text(SIGNAL.identity, signal.identity);
  writer.varint(SIGNAL.digest);
  writer.varint(8);
  writer.fixed32BE(signal.digest.high);
  writer.fixed32BE(signal.digest.low);
  if (signal.receivedAt !== 0) integer(SIGNAL.receivedAt, signal.receivedAt);
  if (signal.occurredAt !== 0) integer(SIGNAL.occurredAt, signal.occurredAt);
  integer(SIGNAL.sentAt, signal.sentAt);
  if (signal.location !== undefined) location(signal.location);
  text(SIGNAL.traceParent, signal.traceParent);
  if (signal.body?.case === "event") event(signal.body.value);
  else if (signal.body?.case === "heartbeat") heartbeat(signal.body.value);
  return writer.finish();
}

function location(value: LocationDraft): void {
  writer.varint(SIGNAL.location);
  const start = writer.open();
  double(LOCATION.latitude, value.latitude);
  double(LOCATION.longitude, value.longitude);
  text(LOCATION.source, value.source);
  writer.close(start);
}

function event(value: EventDraft): void {
  writer.varint(SIGNAL.event);
  const start = writer.open();
  text(EVENT.name, value.name);
  reading(EVENT.reading, value.reading);
  for (const other of value.otherReadings) reading(EVENT.otherReadings, other);
  writer.close(start);
}

function reading(tag: number, value: ReadingDraft): void {
  writer.varint(tag);
  const start = writer.open();
  text(READING.sensor, value.sensor);
  text(READING.sensorType, value.sensorType);
  if (value.values.length > 0) {
    writer.varint(READING.values);
    writer.varint(value.values.length * 8);
    for (const one of value.values) writer.double(one);
  }
  if (value.occurredAt !== undefined) integer(READING.occurredAt, value.occurredAt);
  if (value.eventCount !== undefined) integer(READING.eventCount, value.eventCount);
  if (value.windowS !== undefined) integer(READING.windowS, value.windowS);
  writer.close(start);
}

function heartbeat(value: HeartbeatDraft): void {
  writer.varint(SIGNAL.heartbeat);
  const start = writer.open();
  text(HEARTBEAT.status, value.status);
  for (const { sensor, eventCount, windowS } of value.rates) {
    writer.varint(HEARTBEAT.rates);
    const rate = writer.open();
    text(RATE.sensor, sensor);
    if (eventCount !== 0) integer(RATE.eventCount, eventCount);
    if (windowS !== 0) integer(RATE.windowS, windowS);
    writer.close(rate);
  }
  for (const sensor of value.connectedSensors) element(HEARTBEAT.connectedSensors, sensor);
  for (const sensor of value.disconnectedSensors) element(HEARTBEAT.disconnectedSensors, sensor);
  if (value.latestRequestId !== undefined) {
    writer.varint(HEARTBEAT.latestRequestId);
    writer.big(value.latestRequestId);
  }
  writer.close(start);
}

/** A field that is absent when it is empty. */
function text(tag: number, value: string): void {
  if (value.length > 0) element(tag, value);
}

/** One of a list of texts; may be empty. */
function element(tag: number, value: string): void {
  writer.varint(tag);
  writer.text(value);
}

/** A field that is absent when it is 0; -0 is not. */
function double(tag: number, value: number): void {
  if (Object.is(value, 0)) return;
  writer.varint(tag);
  writer.double(value);
}

function integer(tag: number, value: number): void {
  writer.varint(tag);
  writer.integer(value);
}
