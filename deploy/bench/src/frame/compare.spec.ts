import { describe, expect, it } from "vitest";
import { worse } from "./compare.js";
import type { Report } from "./report.js";
import { type Measured, row } from "./result.js";

const about = {
  ...{ benchmark: "ingest", date: "2026-11-21", commit: "abc", tookS: 60 },
  machine: { cpu: "x", cores: 2, memoryGiB: 24, system: "linux", node: "24" },
  flush: { p50Ms: 0.5, p99Ms: 1 },
};
const reportOf = (...rows: Measured[]): Report => ({ ...about, rows: rows.map(row) });
const rate = (ours: number, theirs: number, least?: number): Measured => ({
  ...{ name: "events", unit: "events/s", values: [ours], peer: { name: "bare", values: [theirs] } },
  ...(least !== undefined && { target: { atLeast: least } }),
});
const time = (ours: number, theirs: number): Measured => ({
  ...{ name: "answer", unit: "ms", values: [ours], peer: { name: "bare", values: [theirs] } },
});

describe("what got worse since an earlier run", () => {
  it("is a ratio that fell, whatever the values are", () => {
    expect(worse(reportOf(rate(1000, 1000)), reportOf(rate(500, 500)))).toEqual([]);
    expect(worse(reportOf(rate(1000, 1000)), reportOf(rate(1700, 2000)))).toEqual([
      "events, beside bare: ratio 1.00 then, 0.85 now (15 % worse)",
    ]);
  });

  it("is a ratio of times that rose", () => {
    expect(worse(reportOf(time(10, 10)), reportOf(time(5, 10)))).toEqual([]);
    expect(worse(reportOf(time(10, 10)), reportOf(time(20, 10)))).toHaveLength(1);
  });

  it("is not what the repeats of one run differ by", () => {
    const wide = { ...rate(0, 1000), values: [700, 1000, 1200] };
    expect(worse(reportOf(wide), reportOf(rate(700, 1000)))).toEqual([]);
  });

  it("is a target that was met, and a row that is gone", () => {
    expect(worse(reportOf(rate(1000, 1000, 900)), reportOf(rate(800, 800, 900)))).toEqual([
      "events, beside bare: >= 900 events/s is not met any more: 1,000 events/s then, 800 now",
    ]);
    expect(worse(reportOf(rate(1, 1)), reportOf())).toEqual([
      "events, beside bare: was measured on 2026-11-21, and is not now",
    ]);
  });
});
