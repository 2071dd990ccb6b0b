import { create, type MessageInitShape, toBinary, toJson } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { decodeBatch } from "@fieldlog/event-log";
import { heartbeat, pick } from "@fieldlog/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anySignal } from "../arbitrary.fixture.js";
import { quickBatch } from "./quick-batch.js";
import { type Reported, reported } from "./reported.js";

type Init = MessageInitShape<typeof signals.SignalBatchSchema>;
const encode = (init: Init) => toBinary(signals.SignalBatchSchema, create(signals.SignalBatchSchema, init));

/** What is compared: all that the read model uses, times as bigint, without what marks generated messages. */
function plain(all: readonly Reported[]) {
  const time = (ms: number | bigint | undefined) => (ms === undefined ? undefined : BigInt(ms));
  const reading = (of: NonNullable<Extract<Reported["body"], { case: "event" }>["value"]["reading"]>) => {
    const { sensor, sensorType, values, eventCount, windowS } = of;
    return { sensor, sensorType, values: [...values], eventCount, windowS, occurredAt: time(of.occurredAt) };
  };
  return all.map(({ device, identity, receivedAt, occurredAt, sentAt, location: at, body }) => ({
    ...{ device, identity, receivedAt: time(receivedAt), occurredAt: time(occurredAt), sentAt: time(sentAt) },
    location: at && { latitude: at.latitude, longitude: at.longitude, source: at.source },
    event: body.case === "event" && {
      name: body.value.name,
      reading: body.value.reading && reading(body.value.reading),
      otherReadings: body.value.otherReadings.map(reading),
    },
    heartbeat: body.case === "heartbeat" && toJson(signals.HeartbeatSchema, body.value),
  }));
}

describe("the quick reader", () => {
  it("reads what edges write", () => {
    const written = [pick("d", "1"), heartbeat("d", "2", 5, "update", [{ sensor: "0" }]), pick("e", "3", 9)];
    const bytes = encode({ signals: written });
    expect(plain(quickBatch(bytes) ?? [])).toEqual(plain(written.map(reported)));
  });

  it("reads any signal as the generated reader does, or leaves it to that", () => {
    let read = 0;
    fc.assert(
      fc.property(fc.array(anySignal, { maxLength: 3 }), (all) => {
        const bytes = encode({ signals: all } as Init);
        const quick = quickBatch(bytes);
        if (!quick) return;
        read++;
        expect(plain(quick)).toEqual(plain(decodeBatch(bytes).map(reported)));
      }),
      { numRuns: 1_000 },
    );
    expect(read).toBeGreaterThan(50);
  });

  it("takes no bytes for a batch that are none, and reads none differently", () => {
    const whole = encode({
      signals: [pick("device", "1/a"), heartbeat("d", "2", 5, "update"), pick("e", "3")],
    });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const check = (bytes: Uint8Array) => {
      let quick: Reported[] | undefined;
      try {
        quick = quickBatch(bytes);
      } catch {
        expect(() => decodeBatch(bytes)).toThrow();
        return;
      }
      if (quick) expect(plain(quick)).toEqual(plain(decodeBatch(bytes).map(reported)));
    };
    fc.assert(
      fc.property(damage, fc.nat(whole.length), (changes, length) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        check(bytes);
        check(bytes.subarray(0, length));
      }),
      { numRuns: 3_000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), check), { numRuns: 2_000 });
  });
});
