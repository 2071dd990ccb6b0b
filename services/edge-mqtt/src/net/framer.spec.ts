import fc from "fast-check";
import { generate } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { Reader } from "../codec/reader.js";
import { Reason } from "../codec/reason.js";
import { Framer, INCOMPLETE } from "./framer.js";

const reader = new Reader();

function publish(payload: number): Buffer {
  const packet = { cmd: "publish", topic: "t", payload: Buffer.alloc(payload, 7), qos: 0 } as const;
  return generate({ ...packet, dup: false, retain: false });
}

/** First byte and body of each packet that comes out when the bytes come in such pieces. */
function framed(bytes: Buffer, sizes: readonly number[], maximum?: number): [number, string][] {
  const framer = new Framer(maximum);
  const packets: [number, string][] = [];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    framer.push(Buffer.from(bytes.subarray(at, at + size)));
    at += size;
    for (let first = framer.next(reader); first !== INCOMPLETE; first = framer.next(reader)) {
      packets.push([first, reader.rest().toString("hex")]);
    }
  }
  return packets;
}

describe("Framer", () => {
  it("finds the same packets however the bytes are cut", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 });
    const payloads = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 5 });
    fc.assert(
      fc.property(payloads, sizes, (lengths, pieces) => {
        const packets = lengths.map(publish);
        const bytes = Buffer.concat(packets);
        const whole = framed(bytes, [bytes.length || 1]);
        expect(whole).toHaveLength(packets.length);
        expect(framed(bytes, pieces)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
  it("refuses by the fixed header alone what is too large", () => {
    const framer = new Framer(100);
    framer.push(Buffer.from([0x30, 97]));
    expect(framer.next(reader)).toBe(INCOMPLETE);
    const other = new Framer(100);
    other.push(Buffer.from([0x30, 99]));
    expect(() => other.next(reader)).toThrow(expect.objectContaining({ code: Reason.packetTooLarge }));
  });
  it("refuses a remaining length that never ends", () => {
    const framer = new Framer();
    framer.push(Buffer.from([0x30, 0xff, 0xff, 0xff]));
    expect(framer.next(reader)).toBe(INCOMPLETE);
    framer.push(Buffer.from([0xff]));
    expect(() => framer.next(reader)).toThrow(expect.objectContaining({ code: Reason.malformedPacket }));
  });
  it("refuses a remaining length in more bytes than it needs", () => {
    const framer = new Framer();
    framer.push(Buffer.from([0xc0, 0x80, 0x00]));
    expect(() => framer.next(reader)).toThrow(expect.objectContaining({ code: Reason.malformedPacket }));
  });
  it("copies a packet of small pieces a few times only", () => {
    const bytes = publish(250 * 1024);
    const from = performance.now();
    expect(framed(bytes, [8])).toHaveLength(1);
    expect(performance.now() - from).toBeLessThan(5_000);
  });
});
