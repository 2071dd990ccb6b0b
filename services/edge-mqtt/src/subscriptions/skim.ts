import { type Position, positionOf } from "@fieldlog/contracts";
import { eventTopicOf } from "../events/topics.js";
import type { QoS } from "../sessions/types.js";

/** What is read of every published signal, to find out who gets it. */
export interface Skimmed {
  readonly position: Position;
  readonly topic: string;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly clientId: string;
  /** The encoded `Signal`, within the commit. */
  readonly start: number;
  readonly end: number;
}

// Field numbers of `SignalBatch`, `Signal`, `Event` and `Publication`.
const SIGNALS = 1;
const PUBLICATION = 9;
const DEVICE = 1;
const EVENT = 16;
const BODIES = new Set([18, 19, 20, 21]);
const EVENT_NAME = 1;
const TOPIC = 1;
const QOS = 2;
const RETAIN = 3;
const CLIENT_ID = 4;

let at = 0;
let topic = "";
let qos = 0;
let retain = false;
let clientId = "";

/**
 * Of each signal of an encoded `SignalBatch` that was published and has a body for subscribers, and of each event,
 * whoever published it, what decides who gets it; the rest is jumped over. Raises RangeError for bytes that are no batch.
 */
export function skimPublished(sequence: number, data: Uint8Array): Skimmed[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const found: Skimmed[] = [];
  let index = 0;
  let next = 0;
  while (next < bytes.length) {
    at = next;
    const tag = varint(bytes);
    if ((tag & 7) !== 2) throw new RangeError(`a batch with wire type ${tag & 7}`);
    const length = varint(bytes);
    next = at + length;
    if (next > bytes.length) throw new RangeError("a batch that ends too early");
    if (tag >>> 3 !== SIGNALS) continue;
    const start = at;
    if (skimSignal(bytes, next)) {
      const position = positionOf(sequence, index);
      found.push({ position, topic, qos: qos as QoS, retain, clientId, start, end: next });
    }
    index++;
  }
  return found;
}

/** Leaves what it found in the variables above. */
function skimSignal(bytes: Buffer, end: number): boolean {
  let published = false;
  let body = false;
  // Of the device: read only where the topic is made of it.
  let deviceAt = 0;
  let deviceEnd = 0;
  let event: string | undefined;
  clientId = "";
  while (at < end) {
    const tag = varint(bytes);
    const field = tag >>> 3;
    if ((tag & 7) !== 2) {
      skip(bytes, tag & 7);
      continue;
    }
    const length = varint(bytes);
    const over = at + length;
    if (field === PUBLICATION) {
      skimPublication(bytes, over);
      published = true;
    } else if (BODIES.has(field)) body = true;
    else if (field === EVENT) event = skimText(bytes, EVENT_NAME, over);
    else if (field === DEVICE) [deviceAt, deviceEnd] = [at, over];
    at = over;
  }
  if (event === undefined) return published && body;
  topic = eventTopicOf({ device: bytes.toString("utf8", deviceAt, deviceEnd), name: event });
  // As no publisher says how it is to go out, the subscription does.
  qos = 2;
  retain = false;
  return true;
}

/** A text of the message that goes until `end`; empty: it has none. */
function skimText(bytes: Buffer, wanted: number, end: number): string {
  while (at < end) {
    const tag = varint(bytes);
    if ((tag & 7) !== 2) {
      skip(bytes, tag & 7);
      continue;
    }
    const length = varint(bytes);
    if (tag >>> 3 === wanted) return bytes.toString("utf8", at, Math.min(at + length, end));
    at += length;
  }
  return "";
}

function skimPublication(bytes: Buffer, end: number): void {
  topic = "";
  qos = 0;
  retain = false;
  clientId = "";
  while (at < end) {
    const tag = varint(bytes);
    const field = tag >>> 3;
    if (tag === ((QOS << 3) | 0)) qos = Math.min(varint(bytes), 2);
    else if (tag === ((RETAIN << 3) | 0)) retain = varint(bytes) !== 0;
    else if ((tag & 7) === 2) {
      const length = varint(bytes);
      if (field === TOPIC) topic = bytes.toString("utf8", at, at + length);
      else if (field === CLIENT_ID) clientId = bytes.toString("utf8", at, at + length);
      at += length;
    } else skip(bytes, tag & 7);
  }
}

function skip(bytes: Buffer, wireType: number): void {
  if (wireType === 0) varint(bytes);
  else if (wireType === 1) at += 8;
  else if (wireType === 5) at += 4;
  else throw new RangeError(`a signal with wire type ${wireType}`);
}

/** A varint as a number; beyond 2^53 only its length counts. */
function varint(bytes: Buffer): number {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    at++;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 128;
  }
  throw new RangeError("a varint without end");
}
