import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeSignal } from "./encode-signal.js";
import type { PublicationDraft, SignalBody, SignalDraft } from "./signal.js";

const time = fc.oneof(fc.constant(0), fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }));
const int32 = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 });
const text = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const number = fc.double({ noNaN: true });
const reading = fc.record({
  sensor: text,
  sensorType: text,
  values: fc.array(number, { maxLength: 40 }),
  occurredAt: fc.option(time, { nil: undefined }),
  eventCount: fc.option(int32, { nil: undefined }),
  windowS: fc.option(int32, { nil: undefined }),
});
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const uint32 = fc.nat(0xffffffff);
const bytes = fc.uint8Array({ maxLength: 40 });

/** Names as CloudEvents has them; one that begins with a digit could be a number, which objects put first. */
const extensions = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9]{0,19}$/), text), {
  selector: ([name]) => name,
  maxLength: 3,
});
const details = fc.record({
  ...{ action: optional(text), value: optional(text), place: optional(text), source: text, subject: text },
  ...{ dataSchema: text, dataContentType: text, data: optional(bytes), extensions },
});
const event = fc.oneof(
  fc.record({ name: text, reading: optional(reading), otherReadings: fc.array(reading, { maxLength: 3 }) }),
  fc.record({ name: text, reading: optional(reading), otherReadings: fc.constant([]), details }),
);

const publication = fc.record({
  ...{ topic: text, qos: fc.nat(2), retain: fc.boolean(), clientId: text },
  ...{ redelivered: fc.boolean(), wrapped: fc.boolean() },
  properties: optional(
    fc.record({
      ...{ utf8: fc.boolean(), contentType: text, responseTopic: text, correlationData: optional(bytes) },
      userProperties: fc.array(fc.tuple(text, text), { maxLength: 3 }),
      expiresAt: optional(time),
    }),
  ),
});

const body: fc.Arbitrary<SignalBody> = fc.oneof(
  fc.record({ case: fc.constant("event" as const), value: event }),
  fc.record({
    case: fc.constant("heartbeat" as const),
    value: fc.record({
      status: text,
      rates: fc.array(fc.record({ sensor: text, eventCount: int32, windowS: int32 }), { maxLength: 3 }),
      connectedSensors: fc.array(text, { maxLength: 3 }),
      disconnectedSensors: fc.array(text, { maxLength: 3 }),
      latestRequestId: optional(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    }),
  }),
  fc.record({
    case: fc.constant("measurements" as const),
    value: fc.array(
      fc.record({
        ...{ occurredAt: number, revision: optional(uint32) },
        ...{ attributes: fc.array(text, { maxLength: 3 }), values: fc.array(number, { maxLength: 20 }) },
      }),
      { maxLength: 40 },
    ),
  }),
  fc.record({
    case: fc.constant("logEntries" as const),
    value: fc.array(
      fc.record({
        ...{ occurredAt: number, severity: text, revision: optional(uint32), message: text },
        ...{ details: optional(text), divided: fc.boolean() },
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({ case: fc.constant("message" as const), value: bytes }),
  fc.record({
    case: fc.constant("acknowledgments" as const),
    value: fc.array(fc.record({ revision: uint32, success: fc.boolean(), occurredAt: number }), {
      maxLength: 3,
    }),
  }),
  fc.record({
    case: fc.constant("rejection" as const),
    value: fc.record({ topic: text, reason: text, count: uint32 }),
  }),
  fc.record({
    case: fc.constant("streamMessage" as const),
    value: fc.record({
      ...{ group: text, stream: text, batch: text, slice: text, message: text, chunk: text, site: text },
      ...{ contentEncoding: text, payload: bytes, external: text },
      ...{ completesBatch: fc.boolean(), completesMessage: fc.boolean(), noPayload: fc.boolean() },
    }),
  }),
);

const draft: fc.Arbitrary<SignalDraft> = fc.record({
  ...{ device: text, identity: text, receivedAt: time, occurredAt: time, sentAt: optional(time) },
  digest: optional(fc.record({ high: uint32, low: uint32 })),
  location: optional(fc.record({ latitude: number, longitude: number, source: text })),
  traceParent: text,
  publication: optional(publication),
  body: optional(body),
});

/** Without the fields that are undefined. */
function present<T extends object>(value: T) {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as {
    [K in keyof T]: NonNullable<T[K]>;
  };
}
const wide = (ms: number | undefined) => (ms === undefined ? undefined : BigInt(ms));
const hex = (half: number) => half.toString(16).padStart(8, "0");

function generated(signal: SignalDraft): signals.Signal {
  const { publication, digest, body, receivedAt, occurredAt, sentAt, ...rest } = signal;
  return create(
    signals.SignalSchema,
    present({
      ...rest,
      ...{ receivedAt: BigInt(receivedAt), occurredAt: BigInt(occurredAt), sentAt: wide(sentAt) },
      digest: digest && new Uint8Array(Buffer.from(hex(digest.high) + hex(digest.low), "hex")),
      publication: publication && generatedPublication(publication),
      body: body && generatedBody(body),
    }) as object,
  );
}

function generatedPublication({ properties, ...rest }: PublicationDraft) {
  const { userProperties = [], expiresAt, ...more } = properties ?? {};
  return present({
    ...{ ...rest, ...more, expiresAt: wide(expiresAt) },
    userProperties: userProperties.map(([key, value]) => ({ key, value })),
  });
}

function generatedBody(body: SignalBody) {
  const withTime = ({ occurredAt, ...more }: fcReading) => present({ ...more, occurredAt: wide(occurredAt) });
  switch (body.case) {
    case "event": {
      const { name, reading, otherReadings, details } = body.value;
      const { extensions = [], ...more } = details ?? {};
      const others = {
        otherReadings: otherReadings.map(withTime),
        extensions: Object.fromEntries(extensions),
      };
      return {
        case: body.case,
        value: present({ name, reading: reading && withTime(reading), ...others, ...more }),
      };
    }
    case "heartbeat":
      return { case: body.case, value: present(body.value) };
    case "measurements":
      return { case: body.case, value: { measurements: body.value.map(present) } };
    case "logEntries":
      return { case: body.case, value: { entries: body.value.map(present) } };
    case "message":
      return { case: body.case, value: { payload: body.value } };
    case "acknowledgments":
      return { case: body.case, value: { acknowledgments: body.value.map(present) } };
    case "rejection":
      return { case: body.case, value: body.value };
    case "streamMessage":
      return { case: body.case, value: body.value };
  }
}
type fcReading = NonNullable<Extract<SignalBody, { case: "event" }>["value"]["reading"]>;

describe("encodeSignal", () => {
  it("writes large signals, whose lengths take several bytes", () => {
    for (const count of [10, 20, 2_000, 20_000, 300_000]) {
      const reading = {
        ...{ sensor: "é".repeat(100), sensorType: "x".repeat(70_000), values: Array<number>(count).fill(1) },
        ...{ occurredAt: undefined, eventCount: undefined, windowS: undefined },
      };
      const signal: SignalDraft = {
        ...{
          device: "d",
          identity: "i",
          digest: { high: 1, low: 2 },
          receivedAt: 1,
          occurredAt: -1,
          sentAt: 2,
        },
        ...{ location: undefined, traceParent: "", publication: undefined },
        body: { case: "event", value: { name: "pick", reading, otherReadings: [] } },
      };
      const expected = toBinary(signals.SignalSchema, generated(signal));
      expect(Buffer.compare(encodeSignal(signal), expected)).toBe(0);
    }
  });

  it("writes, byte for byte, what the generated code writes and reads back", () => {
    fc.assert(
      fc.property(draft, (signal) => {
        const expected = generated(signal);
        const bytes = encodeSignal(signal);
        expect(fromBinary(signals.SignalSchema, new Uint8Array(bytes))).toEqual(expected);
        expect(Buffer.from(bytes)).toEqual(Buffer.from(toBinary(signals.SignalSchema, expected)));
      }),
      { numRuns: 1000 },
    );
  });
});
