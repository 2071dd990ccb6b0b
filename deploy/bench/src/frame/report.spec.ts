import { describe, expect, it } from "vitest";
import { chartOf } from "./chart.js";
import { worse } from "./compare.js";
import { curvesOf } from "./curves.js";
import { jsonOf, tableOf, wholeJsonOf } from "./report.js";
import { point, row } from "./result.js";

const measured = {
  name: "ours",
  unit: "events/s",
  values: [1100, 1000, 900],
  peer: { name: "theirs", values: [2000, 1000] },
};

describe("row", () => {
  it("compares the medians", () => {
    expect(row(measured)).toMatchObject({
      value: 1000,
      peerValue: 1500,
      ratio: 1000 / 1500,
      met: null,
      target: null,
    });
  });

  it("meets a target only if each part of it is met", () => {
    const met = (target: object) => row({ ...measured, target }).met;
    expect(met({ ratio: 0.6 })).toBe(true);
    expect(met({ ratio: 0.7 })).toBe(false);
    expect(met({ atLeast: 1000, ratio: 0.6 })).toBe(true);
    expect(met({ atLeast: 1001, ratio: 0.6 })).toBe(false);
    expect(met({ below: 1000 })).toBe(false);
    expect(met({ below: 1000.5 })).toBe(true);
  });

  it("does not meet a ratio without a peer", () => {
    expect(row({ name: "ours", unit: "ms", values: [1], target: { ratio: 0.5 } }).met).toBe(false);
  });

  it("says of a peer that it is not installed, and that the target is not measured then", () => {
    const values = { ...measured, peer: { name: "theirs", values: [] }, target: { ratio: 0.5 } };
    const without = row(values);
    expect(without).toMatchObject({ peer: "theirs: not installed", peerValue: null, ratio: null, met: null });
    const lines = tableOf({ ...report, rows: [without] }).split("\n");
    expect(lines.at(-1)).toMatch(/theirs: not installed .* ratio >= 0\.5 +not measured$/);
  });

  it("has no spread for a single measurement", () => {
    expect(row({ name: "ours", unit: "MiB", values: [1] }).spread).toBeNull();
  });
});

const report = {
  ...{ benchmark: "ingest", date: "2026-11-21T10:00:00.000Z", commit: "0123456", tookS: 61.4 },
  machine: { cpu: "a processor", cores: 2, memoryGiB: 4, system: "linux 6", node: "24.0.0" },
  flush: { p50Ms: 0.51234567, p99Ms: 2 },
  rows: [
    row({ ...measured, target: { atLeast: 25_000, ratio: 0.4 } }),
    row({ name: "answer", unit: "ms", values: [3.7251] }),
  ],
};

describe("jsonOf", () => {
  it("has exactly the agreed members", () => {
    const parsed = JSON.parse(jsonOf(report));
    expect(Object.keys(parsed)).toEqual(["machine", "flushMs", "results"]);
    expect(parsed.flushMs).toBe(0.51235);
    const members = ["name", "unit", "value", "peer", "peerValue", "ratio", "target", "met"];
    for (const result of parsed.results) expect(Object.keys(result)).toEqual(members);
    expect(parsed.results[0]).toEqual({
      name: "ours",
      unit: "events/s",
      value: 1000,
      peer: "theirs",
      peerValue: 1500,
      ratio: 0.66667,
      target: ">= 25,000 events/s, ratio >= 0.4",
      met: false,
    });
    expect(parsed.results[1]).toMatchObject({
      peer: null,
      peerValue: null,
      ratio: null,
      target: null,
      met: null,
    });
  });
});

describe("wholeJsonOf", () => {
  it("has all that is needed to compare a later run with this one", () => {
    const whole = JSON.parse(wholeJsonOf(report));
    expect(whole).toMatchObject({
      benchmark: "ingest",
      commit: "0123456",
      flush: { p50Ms: 0.51235, p99Ms: 2 },
    });
    expect(whole.rows[0]).toMatchObject({ spread: 0.2, limits: { atLeast: 25_000, ratio: 0.4 } });
    expect(worse(whole, report)).toEqual([]);
  });
});

describe("chartOf", () => {
  it("has a bar with its figures for each comparison and each target", () => {
    const time = row({ name: "until it is told", unit: "ms", values: [10], target: { below: 20 } });
    const svg = chartOf({ ...report, rows: [...report.rows, time] });
    expect(svg).toMatch(/^<svg [^>]*width="960"/);
    expect(svg).toContain("ours, beside theirs");
    expect(svg).toContain("0.67 ×  (1,000 to 1,500 events/s)");
    expect(svg).toContain("until it is told, beside its target");
    expect(svg).toContain("10.0 ms; &lt; 20 ms");
    expect(svg).not.toContain("answer");
  });
});

describe("curvesOf", () => {
  it("has a panel for each series, with its points", () => {
    const at = (x: number, value: number) =>
      point({ series: "a page", along: "events", x }, { unit: "ms", values: [value] });
    const rows = [at(1_000, 1), at(1_000_000, 2), ...report.rows];
    expect(rows[1]?.name).toBe("a page; 1,000,000 events");
    const svg = curvesOf({ ...report, rows });
    expect(svg).toMatch(/^<svg [^>]*width="990"/);
    for (const text of [">a page (ms)<", ">events<", ">1M<"]) expect(svg).toContain(text);
    expect(svg).not.toContain("answer");
  });
});

describe("tableOf", () => {
  it("aligns its columns under a line about the machine and one about its disk", () => {
    const [machine, disk, , header, first, second] = tableOf(report).split("\n");
    expect(machine).toBe("2 x a processor, 4 GiB, linux 6, Node 24.0.0");
    expect(disk).toBe("flush of 4 KiB to the disk: p50 0.51 ms, p99 2.00 ms");
    expect(first).toMatch(/^ours {4}1,000 +events\/s +20 % +theirs +1,500 +0.67 .*MISSED$/);
    expect(second).toMatch(/^answer +3.73 +ms$/);
    expect(header?.indexOf("unit")).toBe(first?.indexOf("events/s"));
  });
});
