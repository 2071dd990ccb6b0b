import type { LoggedEvent } from "@fieldlog/events";
import { type Encoding, encodeMessage } from "./codec.js";

// A server's WebSocket frames, whole: not masked, not compressed (RFC 6455, section 5.2).

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

const BEFORE = Buffer.from('{"type":"event","event":');
const AFTER = Buffer.from("}");

const made: Record<Encoding, WeakMap<LoggedEvent, Buffer>> = { json: new WeakMap(), cbor: new WeakMap() };

/** The frame that tells of an event: made once, the same bytes for every subscriber. */
export function eventFrame(encoding: Encoding, event: LoggedEvent): Buffer {
  let frame = made[encoding].get(event);
  if (frame === undefined) {
    const json = event.json();
    frame =
      encoding === "json"
        ? frameOf(encoding, BEFORE, json, AFTER)
        : messageFrame(encoding, { type: "event", event: JSON.parse(json.toString()) });
    made[encoding].set(event, frame);
  }
  return frame;
}

export function messageFrame(encoding: Encoding, message: object): Buffer {
  return frameOf(encoding, encodeMessage(encoding, message));
}

function frameOf(encoding: Encoding, ...payload: readonly Buffer[]): Buffer {
  const length = payload.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([headerOf(encoding, length), ...payload]);
}

function headerOf(encoding: Encoding, length: number): Buffer {
  const first = encoding === "json" ? FINAL_TEXT : FINAL_BINARY;
  if (length < LENGTH_16) return Buffer.of(first, length);
  if (length < 1 << 16) return Buffer.of(first, LENGTH_16, length >>> 8, length & 0xff);
  const header = Buffer.alloc(10);
  header.set([first, LENGTH_64]);
  header.writeUInt32BE(length, 6);
  return header;
}
