import fc from "fast-check";
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { encodePublishHead } from "./encode-publish.js";
import type { Version } from "./packet-type.js";
import { readConnect, saysVersion5 } from "./read-connect.js";
import {
  readAcknowledgment,
  readDisconnect,
  readPublish,
  readSubscribe,
  readUnsubscribe,
} from "./read-packets.js";
import { Reader } from "./reader.js";
import { BadPacket, Reason } from "./reason.js";

const version = fc.constantFrom<Version>(4, 5);
const text = fc
  .string({ unit: "grapheme", maxLength: 40 })
  .filter((t) => !t.includes("\0") && t.isWellFormed());
const topic = text.filter((t) => t !== "" && !/[+#]/.test(t));
const bytes = fc.uint8Array({ maxLength: 50 }).map((b) => Buffer.from(b));
const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);
const packetId = fc.integer({ min: 1, max: 0xffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const defined = <T extends object>(o: T) =>
  Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as T;

/** Opens a reader on the body of a packet; also says its flags. */
function open(packet: Buffer): { reader: Reader; flags: number } {
  let at = 1;
  while ((packet[at] as number) >= 0x80) at++;
  return { reader: new Reader().open(packet, at + 1, packet.length), flags: (packet[0] as number) & 15 };
}
const written = (packet: object, protocolVersion: Version) => generate(packet as Packet, { protocolVersion });

const messageProperties = fc.record({
  payloadFormatIndicator: some(fc.boolean()),
  messageExpiryInterval: some(uint32),
  contentType: some(text),
  responseTopic: some(topic),
  correlationData: some(bytes.filter((b) => b.length > 0)),
});

describe("Reading agrees with mqtt-packet", () => {
  it("about PUBLISH", () => {
    const publish = fc.record({ topic, payload: bytes, qos, retain: fc.boolean(), messageId: packetId });
    fc.assert(
      fc.property(publish, messageProperties, version, (given, properties, v) => {
        const sent = {
          cmd: "publish",
          dup: false,
          ...given,
          ...(v === 5 ? { properties: defined(properties) } : {}),
        };
        const { reader, flags } = open(written(sent, v));
        const read = readPublish(reader, flags, v);
        expect({ ...read, payload: read.payload.toString("hex") }).toMatchObject({
          ...{ topic: given.topic, qos: given.qos, retain: given.retain, dup: false },
          ...{ packetId: given.qos > 0 ? given.messageId : 0, payload: given.payload.toString("hex") },
        });
        if (v === 4) return;
        const { payloadFormatIndicator: utf8, ...others } = defined(properties);
        expect(read.properties).toEqual(
          utf8 === undefined ? others : { ...others, payloadFormatIndicator: Number(utf8) },
        );
      }),
    );
  });
  it("about CONNECT", () => {
    const properties = fc.record({
      sessionExpiryInterval: some(uint32),
      receiveMaximum: some(packetId),
      maximumPacketSize: some(fc.integer({ min: 1, max: 0xffff_ffff })),
      topicAliasMaximum: some(fc.integer({ min: 0, max: 0xffff })),
    });
    const will = fc.record({ topic, payload: bytes.filter((b) => b.length > 0), qos, retain: fc.boolean() });
    const connect = fc.record({
      ...{ clientId: text, clean: fc.boolean(), keepalive: fc.integer({ min: 0, max: 0xffff }) },
      ...{ will: some(will), username: some(text.filter((t) => t !== "")), password: some(bytes) },
    });
    fc.assert(
      fc.property(connect, properties, version, (given, asked, v) => {
        // What mqtt-packet itself does not write.
        fc.pre(given.clientId !== "" || given.clean);
        fc.pre(given.username !== undefined || given.password === undefined);
        const sent = { cmd: "connect", protocolVersion: v, ...defined(given) } as IConnectPacket;
        if (v === 5) sent.properties = defined(asked) as NonNullable<IConnectPacket["properties"]>;
        const { reader } = open(written(sent, v));
        expect(saysVersion5(reader, reader.at)).toBe(v === 5);
        const read = readConnect(reader);
        expect(read).toMatchObject({
          version: v,
          clean: given.clean,
          keepAliveS: given.keepalive,
          clientId: given.clientId,
        });
        expect([read.userName, read.password?.toString("hex")]).toEqual([
          given.username,
          given.password?.toString("hex"),
        ]);
        expect(read.will === undefined).toBe(given.will === undefined);
        if (given.will) expect(read.will).toMatchObject({ ...given.will, payload: expect.anything() });
        if (v === 5) expect(read.properties).toEqual(defined(asked));
      }),
    );
  });
  it("about SUBSCRIBE, UNSUBSCRIBE, acknowledgments and DISCONNECT", () => {
    const subscription = fc.record({
      ...{ topic: text.filter((t) => t !== ""), qos, nl: fc.boolean(), rap: fc.boolean() },
      rh: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
    });
    const filters = fc.array(subscription, { minLength: 1, maxLength: 5 });
    const identifier = some(fc.integer({ min: 1, max: 268_435_455 }));
    fc.assert(
      fc.property(filters, packetId, identifier, version, (subscriptions, messageId, id, v) => {
        const properties = v === 5 && id !== undefined ? { properties: { subscriptionIdentifier: id } } : {};
        const subscribe = open(written({ cmd: "subscribe", messageId, subscriptions, ...properties }, v));
        expect(readSubscribe(subscribe.reader, v)).toEqual({
          packetId: messageId,
          subscriptionIdentifier: v === 5 ? id : undefined,
          requests: subscriptions.map((one) => ({
            ...{ filter: one.topic, qos: one.qos, noLocal: v === 5 && one.nl },
            ...{ retainAsPublished: v === 5 && one.rap, retainHandling: v === 5 ? one.rh : 0 },
          })),
        });
        const unsubscriptions = subscriptions.map((one) => one.topic);
        const unsubscribe = open(written({ cmd: "unsubscribe", messageId, unsubscriptions }, v));
        expect(readUnsubscribe(unsubscribe.reader, v)).toEqual({
          packetId: messageId,
          filters: unsubscriptions,
        });
        const reasonCode = v === 5 ? 0x92 : 0;
        const pubcomp = open(written({ cmd: "pubcomp", messageId, reasonCode }, v));
        expect(readAcknowledgment(pubcomp.reader, v, true)).toEqual({ packetId: messageId, reasonCode });
        const disconnect = written(
          { cmd: "disconnect", reasonCode: 0, properties: { sessionExpiryInterval: 7 } },
          v,
        );
        if (v === 5) expect(readDisconnect(open(disconnect).reader, v).sessionExpiryInterval).toBe(7);
      }),
    );
  });
});

describe("Writing agrees with mqtt-packet", () => {
  it("about PUBLISH", () => {
    const message = fc.record({
      ...{ position: fc.nat(), topic, payload: bytes },
      publication: fc.record({
        ...{ utf8: fc.boolean(), contentType: text, responseTopic: text, correlationData: bytes },
        userProperties: fc.array(fc.record({ key: text.map((t) => `k${t}`), value: text }), { maxLength: 1 }),
        expiresAt: fc.constant(undefined),
      }),
    });
    const form = fc.record({
      ...{ version, dup: fc.boolean(), qos, retain: fc.boolean(), packetId, expiryS: some(uint32) },
      ...{ subscriptionIds: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }) },
      ...{ topicAlias: fc.integer({ min: 0, max: 32 }), aliasOnly: fc.boolean() },
    });
    fc.assert(
      fc.property(message, form, (sent, drawn) => {
        const aliasOnly = drawn.version === 5 && drawn.aliasOnly && drawn.topicAlias > 0;
        const { head, total } = encodePublishHead(sent, { ...drawn, aliasOnly });
        const packet = Buffer.concat([head, sent.payload]);
        expect(packet.length).toBe(total);
        const read = parsed(packet, drawn.version);
        expect(read).toMatchObject({
          ...{ topic: aliasOnly ? "" : sent.topic, qos: drawn.qos, retain: drawn.retain, dup: drawn.dup },
        });
        expect(Buffer.from(read.payload as Buffer).equals(sent.payload)).toBe(true);
        if (drawn.qos > 0) expect(read.messageId).toBe(drawn.packetId);
        if (drawn.version === 4) return;
        const { utf8, contentType, responseTopic, correlationData, userProperties } = sent.publication;
        const ids = drawn.subscriptionIds;
        expect({ ...read.properties }).toEqual(
          defined({
            payloadFormatIndicator: utf8 || undefined,
            contentType: contentType || undefined,
            responseTopic: responseTopic || undefined,
            correlationData: correlationData.length > 0 ? correlationData : undefined,
            userProperties: userProperties[0] && { [userProperties[0].key]: userProperties[0].value },
            messageExpiryInterval: drawn.expiryS,
            topicAlias: drawn.topicAlias || undefined,
            subscriptionIdentifier: ids.length > 1 ? ids : ids[0],
          }),
        );
      }),
    );
  });
});

function parsed(packet: Buffer, protocolVersion: Version): IPublishPacket {
  const read: Packet[] = [];
  const codec = parser({ protocolVersion });
  codec.on("packet", (one) => read.push(one));
  codec.parse(packet);
  return read[0] as IPublishPacket;
}

describe("What is no MQTT", () => {
  const readers: ((reader: Reader, v: Version, flags: number) => unknown)[] = [
    (reader) => readConnect(reader),
    (reader, v, flags) => readPublish(reader, flags, v),
    (reader, v) => readAcknowledgment(reader, v, false),
    (reader, v) => readSubscribe(reader, v),
    (reader, v) => readUnsubscribe(reader, v),
    (reader, v) => readDisconnect(reader, v),
  ];
  it("is refused as a bad packet, whatever it is", () => {
    const which = fc.constantFrom(...readers);
    const body = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(which, body, version, fc.integer({ min: 0, max: 15 }), (read, given, v, flags) => {
        const buffer = Buffer.from(given);
        try {
          read(new Reader().open(buffer, 0, buffer.length), v, flags);
        } catch (error) {
          expect(error).toBeInstanceOf(BadPacket);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  const codeOf = (body: number[] | Buffer, read: (reader: Reader) => unknown): number => {
    const buffer = Buffer.from(body);
    try {
      read(new Reader().open(buffer, 0, buffer.length));
    } catch (error) {
      return (error as BadPacket).code;
    }
    return 0;
  };
  const publish = (flags: number) => (reader: Reader) => readPublish(reader, flags, 5);

  it.each([
    ["QoS 3", 0x06, [0, 1, 0x61, 0, 1, 0], Reason.malformedPacket],
    ["DUP with QoS 0", 0x08, [0, 1, 0x61, 0], Reason.malformedPacket],
    ["packet identifier 0", 0x02, [0, 1, 0x61, 0, 0, 0], Reason.malformedPacket],
    ["U+0000", 0, [0, 1, 0, 0], Reason.malformedPacket],
    ["a surrogate", 0, [0, 3, 0xed, 0xa0, 0x80, 0], Reason.malformedPacket],
    ["an overlong form", 0, [0, 2, 0xc0, 0xaf, 0], Reason.malformedPacket],
    ["U+FFFD, which is a text", 0, [0, 3, 0xef, 0xbf, 0xbd, 0], 0],
    ["U+FEFF, which is a text", 0, [0, 3, 0xef, 0xbb, 0xbf, 0], 0],
    ["an unknown property", 0, [0, 1, 0x61, 2, 4, 0], Reason.malformedPacket],
    ["a property of CONNECT", 0, [0, 1, 0x61, 3, 33, 0, 1], Reason.malformedPacket],
    ["a property twice", 0, [0, 1, 0x61, 4, 1, 0, 1, 0], Reason.protocolError],
    ["a payload format of 2", 0, [0, 1, 0x61, 2, 1, 2], Reason.protocolError],
    ["a subscription identifier", 0, [0, 1, 0x61, 2, 11, 1], Reason.protocolError],
    ["properties longer than the packet", 0, [0, 1, 0x61, 9, 1, 0], Reason.malformedPacket],
    ["a property that ends outside of them", 0, [0, 1, 0x61, 2, 3, 0, 1, 0x61], Reason.malformedPacket],
    ["a length in more bytes than it needs", 0, [0, 1, 0x61, 0x80, 0], Reason.malformedPacket],
  ])("PUBLISH with %s", (_, flags, body, code) => {
    expect(codeOf(body, publish(flags))).toBe(code);
  });

  it("SUBSCRIBE with wrong options, or with no filter", () => {
    const subscribe = (reader: Reader) => readSubscribe(reader, 5);
    const options = (value: number) => codeOf([0, 1, 0, 0, 1, 0x61, value], subscribe);
    expect([3, 0x30, 0x40, 0x80].map(options)).toEqual([
      ...[Reason.protocolError, Reason.protocolError],
      ...[Reason.malformedPacket, Reason.malformedPacket],
    ]);
    expect(codeOf([0, 1, 0], subscribe)).toBe(Reason.protocolError);
    expect(codeOf([0, 1, 2, 11, 0, 0, 1, 0x61, 0], subscribe)).toBe(Reason.protocolError);
    expect(codeOf([0, 1, 0, 1, 0x61, 4], (reader) => readSubscribe(reader, 4))).toBe(Reason.malformedPacket);
  });

  it("CONNECT of another version, with wrong flags or properties", () => {
    const connect = (level: number, flags: number, ...rest: number[]) =>
      codeOf([0, 4, 0x4d, 0x51, 0x54, 0x54, level, flags, 0, 60, ...rest], readConnect);
    expect(connect(4, 2, 0, 0)).toBe(0);
    expect(connect(3, 2, 0, 0)).toBe(Reason.unsupportedVersion);
    expect(connect(6, 2, 0, 0)).toBe(Reason.unsupportedVersion);
    expect([0x03, 0x0a, 0x22, 0x1e, 0x42].map((flags) => connect(4, flags, 0, 0))).toEqual(
      new Array(5).fill(Reason.malformedPacket),
    );
    expect(connect(5, 2, 3, 33, 0, 0, 0, 0)).toBe(Reason.protocolError);
    expect(connect(5, 2, 5, 39, 0, 0, 0, 0, 0, 0)).toBe(Reason.protocolError);
    expect(connect(5, 2, 3, 22, 0, 0, 0, 0)).toBe(Reason.protocolError);
    expect(connect(4, 2, 0, 0, 0)).toBe(Reason.malformedPacket);
    const old = [0, 6, ...Buffer.from("MQIsdp"), 3, 2, 0, 60, 0, 0];
    expect(codeOf(old, readConnect)).toBe(Reason.unsupportedVersion);
  });
});
