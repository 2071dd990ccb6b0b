import type { LogRecord } from "@fieldlog/read-model";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addAll, hourChanges, MOST } from "./hours.js";
import type { Measured, Readings } from "./read.js";

const record = (device: string, measurements: Measured[], receivedAt = 5): LogRecord<Readings> => ({
  ...{ namespace: "n", key: device, position: 0, time: new Date(0) },
  value: { identity: "", receivedAt, measurements, entries: [] },
});
const measured = (seconds: number, values: Record<string, number>): Measured => ({
  ...{ seconds, revision: undefined, attributes: Object.keys(values), values: Object.values(values) },
});

describe("what a pull adds to the hours", () => {
  it("is the values by device, attribute and hour, in the order of the log", () => {
    const changes = hourChanges([
      record("d", [measured(10, { a: 3, b: 1 }), measured(3_600, { a: 9 })]),
      record("e", [measured(10, { a: 4 })]),
      record("d", [measured(5, { a: 7 }), measured(10, { a: -1 })], 8),
    ]);
    expect(changes).toMatchObject([
      {
        ...{ device: "d", attribute: "a", hour: 0, values: [3, 7, -1], min: -1, max: 7 },
        ...{ lastValue: -1, lastSeconds: 10, receivedAt: 8 },
      },
      { device: "d", attribute: "b", hour: 0, values: [1] },
      { device: "d", attribute: "a", hour: 3_600_000, values: [9] },
      { device: "e", attribute: "a", hour: 0, values: [4] },
    ]);
  });

  it("leaves out what is no number, and bounds what is too much for a sum", () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, -Number.MAX_VALUE];
    const [change, ...others] = hourChanges([
      record(
        "d",
        values.map((a) => measured(0, { a })),
      ),
    ]);
    expect(others).toEqual([]);
    expect(change).toMatchObject({ values: [MOST, -MOST], max: Number.POSITIVE_INFINITY });
  });

  it("puts times that no calendar has into the first or the last hour", () => {
    const hours = [-1e300, 1e300].map((at) => hourChanges([record("d", [measured(at, { a: 1 })])])[0]?.hour);
    expect(hours.map((hour) => new Date(hour ?? 0).toISOString())).toEqual([
      "0001-01-01T00:00:00.000Z",
      "9999-12-31T23:00:00.000Z",
    ]);
  });
});

describe("a sum", () => {
  it("is the same however the values are cut, and finite", () => {
    const values = fc.array(fc.double({ noNaN: true, min: -MOST, max: MOST }), { maxLength: 20 });
    fc.assert(
      fc.property(values, fc.nat(20), (all, cut) => {
        const whole = addAll(0, all);
        expect(addAll(addAll(0, all.slice(0, cut)), all.slice(cut))).toBe(whole);
        expect(Number.isFinite(whole)).toBe(true);
      }),
    );
  });
});
