import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeRecord, encodeRecord, type SessionRecord } from "./record.js";

const text = fc.string({ unit: "binary", maxLength: 30 }).filter((each) => each.isWellFormed());
const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const id = fc.integer({ min: 1, max: 65_535 });
const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const bytes = fc.uint8Array({ maxLength: 30 }).map((each) => Buffer.from(each));

const will = fc.record(
  {
    id: text,
    topic: text,
    payload: bytes,
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
    delayS: fc.nat(),
    properties: fc.record(
      {
        payloadFormatIndicator: fc.boolean(),
        contentType: text,
        correlationData: bytes,
        userProperties: fc.constant({ a: ["b", "c"], d: "e" }),
        messageExpiryInterval: fc.nat(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["topic", "payload", "qos", "retain", "delayS"] },
);

const record = fc.record({
  principal: text,
  owner: text,
  expiryS: fc.nat(),
  expiresAt: optional(position),
  cursor: position,
  subscriptions: fc.array(
    fc.record({
      filter: text,
      share: optional(text),
      qos: fc.constantFrom(0, 1, 2),
      noLocal: fc.boolean(),
      retainAsPublished: fc.boolean(),
      id: optional(fc.nat()),
      after: position,
      retainedUpTo: optional(position),
    }),
  ),
  outbound: fc.array(
    fc.record({
      packetId: id,
      position,
      qos: fc.constantFrom(1, 2),
      retain: fc.boolean(),
      subscriptionIds: fc.array(fc.nat()),
      state: fc.constantFrom("publish", "release"),
    }),
  ),
  inbound: fc.array(
    fc.record({ packetId: id, identity: text, sequence: position, stored: fc.boolean(), digest: text }),
  ),
  will: optional(will),
  willDueAt: optional(position),
}) as fc.Arbitrary<SessionRecord>;

describe("a session's record", () => {
  it("is read back as it was written", () => {
    fc.assert(
      fc.property(record, (each) => {
        expect(decodeRecord(encodeRecord(each))).toEqual(each);
      }),
    );
  });

  it("of another version is not guessed at", () => {
    expect(() => decodeRecord(Buffer.from('{"version":2}'))).toThrow(RangeError);
  });
});
