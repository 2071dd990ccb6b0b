import { limits } from "@fieldlog/contracts";

/** An EventMessage as sent; what is undefined was not set. Its signature and dates are still texts. */
export interface EventMessage {
  signature: RawSignature | undefined;
  latitude: number | undefined;
  longitude: number | undefined;
  locationType: number | undefined;
  event: RawSensorEvent | undefined;
  otherReadings: RawSensorEvent[];
}
export interface RawSignature {
  date: string | undefined;
  messageId: number | undefined;
  signature: string | undefined;
}
export interface RawSensorEvent {
  sensorId: string | undefined;
  sensorType: number | undefined;
  readings: number[];
  date: string | undefined;
  eventCount: number | undefined;
  timeWindow: number | undefined;
}

// By hand, because picks are what comes most: a third of the time that the generated code takes, and it is
// strict about wire types and nested lengths, which that is not. A property test holds the two together.
const VARINT = 0;
const BIT64 = 1;
const BYTES = 2;
const BIT32 = 5;

class Malformed extends Error {}
const malformed = new Malformed("not an EventMessage");

let bytes: Buffer;
let at = 0;

/** The message, or undefined if the bytes are not one. Never raises. */
export function decodeEventMessage(data: Uint8Array): EventMessage | undefined {
  bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  at = 0;
  try {
    return eventMessage(bytes.length);
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}

function eventMessage(end: number): EventMessage {
  const message: EventMessage = {
    signature: undefined,
    latitude: undefined,
    longitude: undefined,
    locationType: undefined,
    event: undefined,
    otherReadings: [],
  };
  while (at < end) {
    const tag = varint32(end);
    switch (tag) {
      case (1 << 3) | BYTES: {
        const stop = length(end);
        message.signature = signature(stop, message.signature);
        break;
      }
      case (2 << 3) | BIT64:
        message.latitude = double(end);
        break;
      case (3 << 3) | BIT64:
        message.longitude = double(end);
        break;
      case (4 << 3) | VARINT:
        message.locationType = varint32(end);
        break;
      case (5 << 3) | BYTES: {
        const stop = length(end);
        message.event = sensorEvent(stop, message.event);
        break;
      }
      case (6 << 3) | BYTES: {
        const stop = length(end);
        // One more than there may be shows that there are too many.
        if (message.otherReadings.length > limits.readingsPerEvent) at = stop;
        else message.otherReadings.push(sensorEvent(stop, undefined));
        break;
      }
      default:
        skip(tag, end, 6);
    }
  }
  return message;
}

/** A nested message that is there twice is merged, as protobuf wants it. */
function signature(end: number, before: RawSignature | undefined): RawSignature {
  const message = before ?? { date: undefined, messageId: undefined, signature: undefined };
  while (at < end) {
    const tag = varint32(end);
    switch (tag) {
      case (1 << 3) | BYTES:
        message.date = text(end);
        break;
      case (2 << 3) | VARINT:
        message.messageId = varint32(end);
        break;
      case (3 << 3) | BYTES:
        message.signature = text(end);
        break;
      default:
        skip(tag, end, 3);
    }
  }
  return message;
}

function sensorEvent(end: number, before: RawSensorEvent | undefined): RawSensorEvent {
  const message: RawSensorEvent = before ?? {
    sensorId: undefined,
    sensorType: undefined,
    readings: [],
    date: undefined,
    eventCount: undefined,
    timeWindow: undefined,
  };
  while (at < end) {
    const tag = varint32(end);
    switch (tag) {
      case (1 << 3) | VARINT:
        message.sensorId = varint64(end);
        break;
      case (2 << 3) | VARINT:
        message.sensorType = varint32(end);
        break;
      case (3 << 3) | BYTES:
        for (const stop = length(end); at < stop; ) message.readings.push(double(stop));
        break;
      case (3 << 3) | BIT64:
        message.readings.push(double(end));
        break;
      case (4 << 3) | BYTES:
        message.date = text(end);
        break;
      case (5 << 3) | VARINT:
        message.eventCount = varint32(end) | 0;
        break;
      case (6 << 3) | VARINT:
        message.timeWindow = varint32(end) | 0;
        break;
      default:
        skip(tag, end, 6);
    }
  }
  return message;
}

/** Passes over a field that is not known; one of the first `known` with a wire type that is not its own is wrong. */
function skip(tag: number, end: number, known: number): void {
  const field = tag >>> 3;
  if (field <= known) throw malformed; // field 0 too
  switch (tag & 7) {
    case VARINT:
      varint32(end);
      return;
    case BIT64:
      at += 8;
      break;
    case BIT32:
      at += 4;
      break;
    case BYTES:
      at = length(end);
      break;
    default:
      throw malformed; // groups: CSN has none
  }
  if (at > end) throw malformed;
}

/** Reads a length; returns where what has that length ends. */
function length(end: number): number {
  const stop = varint32(end) + at;
  if (stop > end) throw malformed;
  return stop;
}

function text(end: number): string {
  const stop = length(end);
  const start = at;
  at = stop;
  return bytes.toString("utf8", start, stop);
}

function double(end: number): number {
  const start = at;
  at += 8;
  if (at > end) throw malformed;
  return bytes.readDoubleLE(start);
}

/** A varint's low 32 bits, unsigned; at most 10 bytes. */
function varint32(end: number): number {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= end) throw malformed;
    const byte = bytes[at++] as number;
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
  throw malformed;
}

/** A uint64 as decimal digits. */
function varint64(end: number): string {
  const start = at;
  const low = varint32(end);
  if (at - start <= 4) return String(low);
  let value = 0n;
  for (let i = at - 1; i >= start; i--) value = (value << 7n) | BigInt((bytes[i] as number) & 0x7f);
  return String(BigInt.asUintN(64, value));
}
