import { type EncodeOptions, encode } from "cborg";
import { decodeCbor } from "../decode-cbor.js";
import { isBoundedCbor, isBoundedJson } from "./bounds.js";

/** How a device speaks: fixed by the frame of its hello, text is JSON, binary is CBOR. */
export type Encoding = "json" | "cbor";

/** What a device says: it is told by its keys which message it is. */
export type Message = Readonly<Record<string, unknown>>;

/** A frame that holds no message. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** Firmware looks for a message's first key, and knows single and double precision only. */
const AS_FIRMWARE_READS = { float64: true, mapSorter: undefined } as unknown as EncodeOptions;

export function encodingOf(isBinary: boolean): Encoding {
  return isBinary ? "cbor" : "json";
}

/** Raises Malformed. */
export function decodeFrame(encoding: Encoding, frame: Buffer): Message {
  const message = encoding === "json" ? fromJson(frame) : fromCbor(frame);
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    throw new Malformed("Failed to parse message: it is no map of keys");
  }
  return message as Message;
}

/** A text for JSON, bytes for CBOR; keys in the order in which the message has them. */
export function encodeFrame(encoding: Encoding, message: object): string | Uint8Array {
  return encoding === "json" ? JSON.stringify(message) : encode(message, AS_FIRMWARE_READS);
}

function fromJson(frame: Buffer): unknown {
  if (!isBoundedJson(frame)) throw new Malformed("Failed to parse message: it has too many values");
  try {
    return JSON.parse(frame.toString());
  } catch {
    throw new Malformed("Failed to parse message: it is not JSON");
  }
}

function fromCbor(frame: Buffer): unknown {
  if (!isBoundedCbor(frame))
    throw new Malformed("Failed to parse message: it is not CBOR, or has too many values");
  try {
    return decodeCbor(frame);
  } catch {
    throw new Malformed("Failed to parse message: it is not CBOR");
  }
}
