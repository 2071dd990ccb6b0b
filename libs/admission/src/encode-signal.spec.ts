import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeSignal } from "./encode-signal.js";
import type { SignalBody, SignalDraft } from "./signal.js";

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
const draft: fc.Arbitrary<SignalDraft> = fc.record({
  device: text,
  identity: text,
  digest: fc.record({ high: fc.nat(0xffffffff), low: fc.nat(0xffffffff) }),
  receivedAt: time,
  occurredAt: time,
  sentAt: time,
  location: fc.option(fc.record({ latitude: number, longitude: number, source: text }), { nil: undefined }),
  traceParent: text,
  body: fc.oneof(
    fc.constant(undefined),
    fc.record({
      case: fc.constant("event" as const),
      value: fc.record({ name: text, reading, otherReadings: fc.array(reading, { maxLength: 3 }) }),
    }),
    fc.record({
      case: fc.constant("heartbeat" as const),
      value: fc.record({
        status: text,
        rates: fc.array(fc.record({ sensor: text, eventCount: int32, windowS: int32 }), { maxLength: 3 }),
        connectedSensors: fc.array(text, { maxLength: 3 }),
        disconnectedSensors: fc.array(text, { maxLength: 3 }),
        latestRequestId: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { nil: undefined }),
      }),
    }),
  ),
});

const wide = (ms: number | undefined) => (ms === undefined ? {} : { occurredAt: BigInt(ms) });

function generated(signal: SignalDraft) {
  const { location, body, ...rest } = signal;
  const withTime = ({ occurredAt, eventCount, windowS, values, ...reading }: fcReading) => ({
    ...reading,
    values: [...values],
    ...(eventCount === undefined ? {} : { eventCount }),
    ...(windowS === undefined ? {} : { windowS }),
    ...wide(occurredAt),
  });
  return create(signals.SignalSchema, {
    ...rest,
    digest: new Uint8Array(
      Buffer.from(
        rest.digest.high.toString(16).padStart(8, "0") + rest.digest.low.toString(16).padStart(8, "0"),
        "hex",
      ),
    ),
    receivedAt: BigInt(rest.receivedAt),
    occurredAt: BigInt(rest.occurredAt),
    sentAt: BigInt(rest.sentAt),
    ...(location === undefined ? {} : { location }),
    body:
      body === undefined
        ? { case: undefined }
        : body.case === "event"
          ? {
              case: "event",
              value: {
                name: body.value.name,
                reading: withTime(body.value.reading),
                otherReadings: body.value.otherReadings.map(withTime),
              },
            }
          : {
              case: "heartbeat",
              value: {
                status: body.value.status,
                rates: [...body.value.rates],
                connectedSensors: [...body.value.connectedSensors],
                disconnectedSensors: [...body.value.disconnectedSensors],
                ...(body.value.latestRequestId === undefined
                  ? {}
                  : { latestRequestId: body.value.latestRequestId }),
              },
            },
  });
}
type fcReading = Extract<SignalBody, { case: "event" }>["value"]["reading"];

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
        ...{ location: undefined, traceParent: "" },
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
