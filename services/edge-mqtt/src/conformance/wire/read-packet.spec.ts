import { describe, expect, it } from "vitest";
import { framed, prefixed, readVarint, u8, u16, varint } from "./bytes.js";
import { property, section } from "./properties.js";
import { readPacket } from "./read-packet.js";

// The suite is as good as its reader: what it lets pass, no test notices.
describe("the suite's reader of packets", () => {
  const read = (packet: Buffer, version: 4 | 5 = 5) => readPacket(packet, version)?.packet;

  it("reads what servers send, in both versions", () => {
    expect(read(framed(2, 0, u8(1), u8(0)), 4)).toMatchObject({
      type: "connack",
      sessionPresent: true,
      code: 0,
    });
    const properties = section([property("userProperty", "a", "b"), property("subscriptionId", 300)]);
    const publish = framed(3, 0b1011, prefixed("a/b"), u16(7), properties, Buffer.from("text"));
    expect(read(publish)).toEqual({
      ...{ type: "publish", topic: "a/b", qos: 1, dup: true, retain: true, id: 7, payload: "text" },
      properties: { userProperties: [["a", "b"]], subscriptionIds: [300] },
    });
    expect(read(framed(4, 0, u16(9)))).toMatchObject({ type: "puback", id: 9, code: 0 });
    expect(read(framed(9, 0, u16(9), section(), u8(2), u8(0x8f)))).toMatchObject({ codes: [2, 0x8f] });
    expect(read(framed(14, 0, u8(0x8e)))).toMatchObject({ type: "disconnect", code: 0x8e });
  });

  it("waits for a whole packet, and reads the next one", () => {
    const two = Buffer.concat([framed(13, 0), framed(4, 0, u16(1))]);
    expect(readPacket(two.subarray(0, 1), 4)).toBeUndefined();
    expect(readPacket(two, 4)).toEqual({ packet: { type: "pingresp" }, length: 2 });
    expect(readPacket(two.subarray(2, 5), 4)).toBeUndefined();
  });

  it.each([
    ["a type that is the clients'", framed(1, 0), 4],
    ["reserved flags", framed(13, 1), 4],
    ["PUBREL without its flag", framed(6, 0, u16(1)), 4],
    ["reserved flags of CONNACK", framed(2, 0, u8(2), u8(0)), 4],
    ["QoS 3", framed(3, 6, prefixed("a"), u16(1)), 4],
    ["DUP with QoS 0", framed(3, 8, prefixed("a")), 4],
    ["identifier 0", framed(4, 0, u16(0)), 4],
    ["bytes too many", framed(13, 0, u8(0)), 4],
    ["bytes too few", framed(4, 0, u8(1)), 4],
    ["a topic that is not UTF-8", framed(3, 0, prefixed(Buffer.from([0xff]))), 4],
    ["DISCONNECT in 3.1.1", framed(14, 0), 4],
    [
      "a property twice",
      framed(4, 0, u16(1), u8(0), section([property("reasonString", "a"), property("reasonString", "a")])),
      5,
    ],
    ["an unknown property", framed(4, 0, u16(1), u8(0), section([Buffer.from([0x7f, 0])])), 5],
    [
      "an alias that the client does not allow",
      framed(3, 0, prefixed(""), section([property("topicAlias", 1)])),
      5,
    ],
  ] as const)("does not let %s pass", (_what, packet, version) => {
    expect(() => readPacket(packet, version)).toThrow();
  });

  it("knows the length of lengths", () => {
    for (const value of [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455]) {
      expect(readVarint(varint(value), 0)).toEqual({ value, next: varint(value).length });
    }
    expect(() => readVarint(Buffer.from([0x80, 0x00]), 0)).toThrow(/longer than necessary/);
    expect(() => readVarint(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x01]), 0)).toThrow(/four bytes/);
  });
});
