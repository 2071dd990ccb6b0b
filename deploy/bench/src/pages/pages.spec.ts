import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { BENCHMARK_NAMES } from "../benchmarks.js";
import { KeptRuns } from "../frame/kept.js";
import { curves, IDLE_MQTT_SESSION, MQTT_MEASUREMENTS, WHOLE_PATH_BUSY } from "../frame/names.js";
import type { Report } from "../frame/report.js";
import { point, type Row, row } from "../frame/result.js";
import { capacityPage } from "./capacity.js";
import { withFigures, withKeptRuns } from "./kept-runs.js";
import { summaryOf, targetsOf } from "./targets.js";
import { pagesOf } from "./write.js";

const FOLDER = fileURLToPath(new URL("../..", import.meta.url));

const report = (benchmark: string, rows: readonly Row[]): Report => ({
  ...{ benchmark, date: "2026-11-21T10:00:00.000Z", commit: "0123456", tookS: 61.4 },
  machine: { cpu: "a processor", cores: 2, memoryGiB: 4, system: "linux 6", node: "24.0.0" },
  flush: { p50Ms: 0.5, p99Ms: 2 },
  rows,
});
const figure = (name: string, unit: string, value: number) => row({ name, unit, values: [value] });

describe("the pages of the kept runs", () => {
  it("are those that the kept runs make: npm run bench -- pages", async () => {
    const reports = await new KeptRuns(FOLDER).all(BENCHMARK_NAMES);
    for (const [path, text] of await pagesOf(FOLDER, reports)) {
      expect(await readFile(join(FOLDER, path), "utf8")).toBe(text);
    }
  });
});

describe("the targets", () => {
  const reports = [
    report("ingest", [
      row({ name: "answer", unit: "ms", values: [30], target: { below: 25 } }),
      row({
        ...{ name: "rate", unit: "events/s", values: [60], target: { ratio: 0.5, atLeast: 50 } },
        peer: { name: "theirs", values: [100] },
      }),
      figure("other", "ms", 1),
    ]),
  ];

  it("are told with how far they are missed or met, by the part that is nearest", () => {
    expect(targetsOf(reports)).toMatchObject([
      { what: "answer", figure: "30.0 ms", target: "< 25 ms", met: false, by: "missed by 20 %" },
      { what: "rate, beside theirs", figure: "60.0 events/s, ratio 0.60", met: true, by: "met by 20 %" },
    ]);
  });

  it("are all summed up, with the benchmarks that have no result", () => {
    const lines = summaryOf(reports, ["mqtt"]).split("\n");
    expect(lines[0]).toMatch(/^MISSED +ingest +answer .* missed by 20 %$/);
    expect(lines[1]).toMatch(/^met +ingest/);
    expect(lines.slice(2)).toEqual(["1 of 2 targets met", "NO RESULT  mqtt"]);
  });

  it("stand in the README, in place of the list before, with a chart of each run", () => {
    const readme =
      "# bench\n\n<!-- kept runs: written by npm run bench -- pages -->\n\nold\n\n<!-- end of kept runs -->\n\nrest\n";
    const written = withKeptRuns(readme, reports);
    expect(written).toContain("| [ingest](results/ingest.json) | 2026-11-21 10:00 | 0123456 | 61 s |");
    expect(written).toContain("1 of 2 targets are met:");
    expect(written).toContain("![ingest](charts/ingest.svg)");
    expect(written).not.toContain("old");
    expect(written).toMatch(/^# bench\n\n<!-- kept runs[\s\S]*<!-- end of kept runs -->\n\nrest\n$/);
    expect(withKeptRuns(written, reports)).toBe(written);
    expect(withKeptRuns(readme, [])).toContain("No run is kept yet.");
    const ofProject = withFigures(readme, [...reports, report("liveness", [])]);
    expect(ofProject).toContain(
      "Kept runs of 2026-11-21; clients, servers and database share 2 x a processor",
    );
    expect(ofProject).toContain("1 of 2 targets are met:");
    expect(ofProject.match(/!\[.*/g)).toEqual(["![ingest](deploy/bench/charts/ingest.svg)"]);
  });
});

describe("the capacity page", () => {
  const curve = (series: string, along: string, unit: string, points: readonly [number, number][]) =>
    points.map(([x, value]) => point({ series, along, x }, { unit, values: [value] }));
  const reports = [
    report("scale", [
      ...curve(curves.livenessMemory, "devices", "MiB", [
        [100, 100],
        [1_000_000, 800],
      ]),
      ...curve(curves.logBytes, "events in the log", "B", [[10_000, 100]]),
      ...curve(curves.tableBytes, "events in the log", "B", [[10_000, 300]]),
      ...curve(curves.restart, "events in the log", "s", [[10_000, 1.5]]),
      ...curve(curves.newestPage, "events in the log", "ms", [[10_000, 2]]),
      ...curve(curves.rebuilt, "events in the log", "events/s", [[10_000, 40_000]]),
    ]),
    report("mqtt", [
      figure(IDLE_MQTT_SESSION, "KiB", 16),
      figure(MQTT_MEASUREMENTS, "messages/s", 40_000),
      figure(`${WHOLE_PATH_BUSY}edge-mqtt`, "cores", 0.2),
      figure(`${WHOLE_PATH_BUSY}Postgres`, "cores", 0.4),
    ]),
  ];

  it("says that no run is kept, and gives no figure then", () => {
    const page = capacityPage([]);
    expect(page).toContain("**No run is kept of scale, mqtt, ingest, projection**");
    expect(page).toContain("`npm run bench -- scale --keep`");
    expect(page).not.toContain("## By devices");
    expect(page).not.toContain("charts/");
    expect(page).toContain("## What bends first, and what to do then");
  });

  it("works out what devices need from what was measured, and leaves out what was not", () => {
    const page = capacityPage(reports);
    expect(page).toContain("**No run is kept of ingest, projection**");
    // A million events a minute: 16,667/s, 0.6 processors for each 5,000; 16 KiB a session; 400 bytes an event.
    const cells = cellsOf(page, "1,000,000");
    expect(cells.slice(0, 6)).toEqual(["1,000,000", "16,667", "2.00", "15.3 GiB", "800 MiB", "536 GiB"]);
    expect(cells[6]).toBe("memory, 401 %, more than one such machine has");
    expect(cells[7]).toBe("replicas of the doors on other machines");
    expect(cellsOf(page, "100").slice(2)).toEqual([
      ...["0.00", "1.56 MiB", "100 MiB", "54.9 MiB", "memory, 2.48 %", "nothing yet"],
    ]);
    expect(cellsOf(page, "10,000")[4]).toBe("");
  });

  it("tells what a long log takes, with the time that a rebuild takes", () => {
    const row = capacityPage(reports).split("## By length")[1] ?? "";
    expect(cellsOf(row, "10,000")).toEqual([
      ...["10,000", "0.95 MiB", "2.86 MiB", "1.50 s", "2.00 ms", " ms", "0.25 s"].map((cell) => cell.trim()),
    ]);
  });

  it("does not hide that a kept run lacks a row that it needs", () => {
    expect(() => capacityPage([report("mqtt", [])])).toThrow('the kept run of mqtt has no row "each of');
  });

  function cellsOf(page: string, first: string): string[] {
    const line = page.split("\n").find((each) => each.startsWith(`| ${first} `)) ?? "";
    return line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  }
});
