import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { decodeBatch } from "@fieldlog/event-log";
import { heartbeat, pick } from "@fieldlog/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anySignal } from "./arbitrary.fixture.js";
import { comparable, isBatch } from "./comparable.js";
import { quickBatch } from "./events/quick-batch.js";
import { reported } from "./events/reported.js";
import { slowMessages } from "./messages/decode.js";
import { quickMessages } from "./messages/quick-messages.js";
import { slowReadings } from "./readings/decode.js";
import { quickReadings } from "./readings/quick-readings.js";
import { logEntries, measurements, message, rejection } from "./signals.fixture.js";

type Init = MessageInitShape<typeof signals.SignalBatchSchema>;
const encode = (init: Init) => toBinary(signals.SignalBatchSchema, create(signals.SignalBatchSchema, init));

const several = [
  { at: 1.5, revision: 3, values: { a: 1, b: -2.5 } },
  { at: 2, values: { c: 0 } },
];

const WRITTEN = [
  pick("device", "1/a"),
  measurements("e", several),
  heartbeat("d", "2", 5, "update", [{ sensor: "0", eventCount: 1 }]),
  message("f", "a/b", "payload", { retain: true, contentType: "text/plain", expiresAt: 5n }),
  message("f", "configurations/f", "{}", { retain: true }),
  logEntries("g", [{ occurredAt: 1, severity: "info", message: "m", details: "d", divided: true }]),
  rejection("h", "topic", "reason", 2),
];

const READERS = [
  {
    ...{ name: "of events", quick: quickBatch },
    slow: (bytes: Uint8Array) => decodeBatch(bytes).map(reported),
  },
  { name: "of readings", quick: quickReadings, slow: slowReadings },
  { name: "of messages", quick: quickMessages, slow: slowMessages },
];

/** A field, varint or bytes, that no signal has yet. */
const UNKNOWN = Uint8Array.of(0xf0, 0x07, 0x05, 0xfa, 0x07, 0x02, 0xff, 0xff);

describe.each(READERS)("the quick reader $name", ({ quick, slow }) => {
  it("reads what edges write", () => {
    const bytes = encode({ signals: WRITTEN });
    expect(quick(bytes)).toBeDefined();
    expect(comparable(quick(bytes))).toEqual(comparable(slow(bytes)));
  });

  it("takes no longer for each of many parts than for each of few", () => {
    const otherReadings = Array.from({ length: 200_000 }, () => ({ sensor: "" }));
    const bytes = encode({ signals: [{ device: "d", body: { case: "event", value: { otherReadings } } }] });
    expect(quick(bytes)).toHaveLength(1);
  });

  it("goes over fields that it does not know", () => {
    for (const signal of WRITTEN) {
      const known = toBinary(signals.SignalSchema, signal);
      const length = known.length + UNKNOWN.length;
      const prefix = length < 0x80 ? [0x0a, length] : [0x0a, (length & 0x7f) | 0x80, length >> 7];
      const bytes = Buffer.concat([Uint8Array.from(prefix), known, UNKNOWN]);
      expect(quick(bytes)).toBeDefined();
      expect(comparable(quick(bytes))).toEqual(comparable(slow(bytes)));
    }
  });

  it("reads any signal as the generated reader does, or leaves it to that", () => {
    let read = 0;
    fc.assert(
      fc.property(fc.array(anySignal, { maxLength: 3 }), (all) => {
        const bytes = encode({ signals: all } as Init);
        const found = quick(bytes);
        if (!found) return;
        read++;
        expect(comparable(found)).toEqual(comparable(slow(bytes)));
      }),
      { numRuns: 1_000 },
    );
    expect(read).toBeGreaterThan(50);
  });

  it("reads what is still a batch after damage as the generated reader does, or leaves it to that", () => {
    const whole = encode({ signals: WRITTEN });
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const check = (bytes: Uint8Array) => {
      const found = quick(bytes);
      if (found && isBatch(bytes)) expect(comparable(found)).toEqual(comparable(slow(bytes)));
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
