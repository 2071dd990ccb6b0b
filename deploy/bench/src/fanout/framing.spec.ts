import { array, assert, constantFrom, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { FrameReader, mqttFraming, webSocketFraming } from "./framing.js";

const delivery = (length: number) => `{"type":"event","event":"${"x".repeat(length)}"}`;
const texts = array(
  constantFrom(delivery(0), delivery(60), delivery(300), delivery(70_000), '{"type":"pong"}', ""),
  { maxLength: 12 },
);
// Single bytes among them, and a longer piece: nothing but single bytes of a long delivery would take a minute.
const cuts = array(integer({ min: 1, max: 40_000 }), { maxLength: 20 }).map((some) => [...some, 9_000]);

function webSocketFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  if (length < 126) return Buffer.concat([Buffer.from([0x81, length]), payload]);
  if (length < 65_536) return Buffer.concat([Buffer.from([0x81, 126, length >> 8, length & 0xff]), payload]);
  const head = Buffer.from([0x81, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 6);
  return Buffer.concat([head, payload]);
}

function pieces(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    // Each in memory that is overwritten afterwards, as a socket's is.
    found.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  return found;
}

test("deliveries are counted and others told, in whatever pieces they come", () => {
  for (const isRead of [false, true]) {
    assert(
      property(texts, cuts, (all, lengths) => {
        const others: string[] = [];
        const read: string[] = [];
        const reader = new FrameReader(webSocketFraming, (_, payload) => others.push(payload.toString()));
        if (isRead) reader.onDelivery = (payload) => read.push(payload.toString());
        let count = 0;
        for (const piece of pieces(Buffer.concat(all.map(webSocketFrame)), lengths)) {
          count += reader.push(piece);
          piece.fill(0);
        }
        const deliveries = all.filter((text) => text.startsWith('{"type":"event"'));
        expect(count).toBe(deliveries.length);
        if (isRead) expect(read).toEqual(deliveries);
        expect(others).toEqual(all.filter((text) => !deliveries.includes(text)));
      }),
      { numRuns: 25 },
    );
  }
});

test("publishes of MQTT are deliveries, everything else is not", () => {
  const types: number[] = [];
  const reader = new FrameReader(mqttFraming, (type) => types.push(type));
  const publish = Buffer.concat([Buffer.from([0x30, 0x83, 0x01]), Buffer.alloc(131)]);
  const bytes = Buffer.concat([
    Buffer.from([0x20, 2, 0, 0]),
    publish,
    publish,
    Buffer.from([0x90, 3, 0, 1, 0]),
  ]);
  let count = 0;
  for (const piece of pieces(bytes, [1])) count += reader.push(piece);
  expect([count, types]).toEqual([2, [2, 9]]);
});
