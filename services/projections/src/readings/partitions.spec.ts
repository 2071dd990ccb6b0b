import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EARLIER, endOf, LATER, Spans, spanOf } from "./partitions.js";

describe("partitions", () => {
  it("are months where most data are, years around them, and two for all that lies beyond", () => {
    const name = (...date: [number, number, number]) => spanOf(Date.UTC(...date)).name;
    expect(name(2026, 4, 31)).toBe("2026_05");
    expect([name(2019, 11, 31), name(2020, 0, 1), name(2049, 11, 31), name(2050, 0, 1)]).toEqual([
      ...["2019", "2020_01", "2049_12", "2050"],
    ]);
    expect([name(1999, 11, 31), name(2000, 0, 1), name(2099, 11, 31), name(2100, 0, 1)]).toEqual([
      ...["earlier", "2000", "2099", "later"],
    ]);
  });

  it("hold every time once, and are few", () => {
    const names = new Set<string>();
    const time = fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2110, 0) });
    fc.assert(
      fc.property(time, (ms) => {
        const span = spanOf(ms);
        names.add(span.name);
        expect(ms).toBeGreaterThanOrEqual(span.from);
        expect(ms).toBeLessThan(span.to);
        if (span === LATER) return;
        expect(spanOf(span.to).from).toBe(span.to);
        if (span !== EARLIER) expect(endOf(`measurements_${span.name}`)).toBe(span.to);
      }),
      { numRuns: 5_000 },
    );
    expect(names.size).toBeLessThanOrEqual(432);
    expect(endOf("measurements_earlier")).toBeUndefined();
  });

  it("are collected once each", () => {
    const spans = new Spans();
    for (const year of [2026, 2026, 2027, 2026]) spans.add(Date.UTC(year, 3));
    expect(spans.all().map(({ name }) => name)).toEqual(["2026_04", "2027_04"]);
  });
});
