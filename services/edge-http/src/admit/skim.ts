import type { Digest } from "@fieldlog/admission";

/** What the replay guard needs of a stored signal. */
export interface Skimmed {
  readonly device: string;
  readonly identity: string;
  readonly digest: Digest;
  /** ms since 1970 UTC; the time of receipt where the sender gave none. */
  readonly sentAt: number;
}

// Field numbers of `SignalBatch` and `Signal`. A signal's fields are written in this order, but any is read.
const SIGNALS = 1;
const DEVICE = 1;
const IDENTITY = 2;
const DIGEST = 3;
const RECEIVED_AT = 4;
const SENT_AT = 6;

let at = 0;

/**
 * Reads of each signal of an encoded `SignalBatch` only what tells one message from another, and jumps
 * over the rest. Raises RangeError for bytes that are no batch.
 */
export function skimBatch(data: Uint8Array, each: (signal: Skimmed) => void): void {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  let next = 0;
  while (next < bytes.length) {
    at = next;
    const tag = varint(bytes);
    if ((tag & 7) !== 2) throw new RangeError(`a batch with wire type ${tag & 7}`);
    const length = varint(bytes);
    next = at + length;
    if (next > bytes.length) throw new RangeError("a batch that ends too early");
    if (tag >>> 3 === SIGNALS) each(skimSignal(bytes, next));
  }
}

function skimSignal(bytes: Buffer, end: number): Skimmed {
  let device = "";
  let identity = "";
  let high = 0;
  let low = 0;
  let receivedAt = 0;
  let sentAt: number | undefined;
  while (at < end) {
    const tag = varint(bytes);
    const field = tag >>> 3;
    if ((tag & 7) === 2) {
      const length = varint(bytes);
      if (field === DEVICE) device = bytes.toString("utf8", at, at + length);
      else if (field === IDENTITY) identity = bytes.toString("utf8", at, at + length);
      else if (field === DIGEST && length === 8) {
        high = bytes.readUInt32BE(at);
        low = bytes.readUInt32BE(at + 4);
      } else if (field > SENT_AT) break;
      at += length;
    } else if ((tag & 7) === 0) {
      const value = varint(bytes);
      if (field === RECEIVED_AT) receivedAt = value;
      else if (field === SENT_AT) sentAt = value;
    } else throw new RangeError(`a signal with wire type ${tag & 7}`);
  }
  return { device, identity, digest: { high, low }, sentAt: sentAt ?? receivedAt };
}

/** A varint as a number; exact up to 2^53, and negative ones (ten bytes) as their two's complement. */
function varint(bytes: Buffer): number {
  let value = 0;
  let factor = 1;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    at++;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return i === 9 ? value - 2 ** 64 : value;
    factor *= 128;
  }
  throw new RangeError("a varint without end");
}
