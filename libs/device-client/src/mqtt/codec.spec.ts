import fc from "fast-check";
import { generate, type Packet, parser } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { PacketReader, ProtocolError } from "./reader.js";
import { encodeConnect, encodePublish, encodeSubscribe } from "./writer.js";

const V5 = { protocolVersion: 5 } as const;
const text = fc.string({ unit: "grapheme", maxLength: 40 }).filter((value) => !value.includes("\0"));

function parsed(bytes: Buffer): Packet {
  const packets: Packet[] = [];
  const reader = parser(V5);
  reader.on("packet", (packet) => packets.push(packet));
  reader.parse(bytes);
  return packets[0] as Packet;
}

describe("MQTT packets", () => {
  it("are written as others read them", () => {
    const payloads = fc.uint8Array({ maxLength: 300 });
    const ids = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
    fc.assert(
      fc.property(text, payloads, ids, fc.boolean(), text, (topic, payload, packetId, dup, value) => {
        const packet = { topic: `t${topic}`, payload, packetId, dup: dup && packetId !== undefined };
        const read = parsed(encodePublish({ ...packet, userProperties: [["fieldlog-id", value]] }));
        expect(read).toMatchObject({
          ...{ cmd: "publish", topic: packet.topic, dup: packet.dup, qos: packetId === undefined ? 0 : 1 },
          ...{ payload: Buffer.from(payload), properties: { userProperties: { "fieldlog-id": value } } },
        });
        if (read.cmd === "publish" && packetId !== undefined) expect(read.messageId).toBe(packetId);
      }),
    );
    const connect = { clientId: "a:b", userName: "h/a:b/?api-version=1", password: "s", keepAliveS: 300 };
    const limits = { sessionExpiryS: 60, receiveMaximum: 64, maximumPacketSize: 1_000 };
    expect(parsed(encodeConnect({ ...connect, ...limits }))).toMatchObject({
      ...{ cmd: "connect", clientId: "a:b", username: connect.userName, keepalive: 300, clean: false },
      properties: { sessionExpiryInterval: 60, receiveMaximum: 64, maximumPacketSize: 1_000 },
    });
    expect(parsed(encodeSubscribe(7, ["a/#", "b/+"]))).toMatchObject({
      ...{ cmd: "subscribe", messageId: 7 },
      subscriptions: [
        { topic: "a/#", qos: 1 },
        { topic: "b/+", qos: 1 },
      ],
    });
  });

  it("are read as others write them, however they are cut", () => {
    const properties = { reasonString: "no", userProperties: { a: "b" } };
    const packets: Packet[] = [
      {
        cmd: "connack",
        reasonCode: 0,
        sessionPresent: true,
        properties: { receiveMaximum: 9, topicAliasMaximum: 3 },
      },
      { cmd: "puback", messageId: 3, reasonCode: 0x99, properties },
      {
        cmd: "publish",
        topic: "t",
        payload: "x".repeat(200),
        qos: 1,
        dup: true,
        retain: false,
        messageId: 4,
      },
      { cmd: "suback", messageId: 5, granted: [1, 0x87] },
      { cmd: "pingresp" },
      { cmd: "disconnect", reasonCode: 0x8b, properties: { reasonString: "later" } },
    ];
    const bytes = Buffer.concat(packets.map((packet) => generate(packet, V5)));
    for (const step of [1, 7, bytes.length]) {
      const reader = new PacketReader(1_000);
      const read = [];
      for (let at = 0; at < bytes.length; at += step)
        read.push(...reader.push(bytes.subarray(at, at + step)));
      expect(read).toMatchObject([
        { type: "connack", code: 0, sessionPresent: true, receiveMaximum: 9 },
        { type: "puback", packetId: 3, code: 0x99, reason: "no" },
        { type: "publish", topic: "t", payload: Buffer.from("x".repeat(200)), packetId: 4, dup: true },
        { type: "suback", packetId: 5, codes: [1, 0x87] },
        { type: "pingresp" },
        { type: "disconnect", code: 0x8b, reason: "later" },
      ]);
    }
  });

  it("never do more harm than a ProtocolError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new PacketReader(100).push(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});
