import type { FlushLatency } from "./disk.js";
import type { Machine } from "./machine.js";
import type { Result, Row } from "./result.js";

export interface Report {
  readonly machine: Machine;
  readonly flush: FlushLatency;
  readonly rows: readonly Row[];
}

/** For programs; `flushMs` is the median. */
export function jsonOf({ machine, flush, rows }: Report): string {
  const results = rows.map(
    ({ name, unit, value, peer, peerValue, ratio, target, met }): Result => ({
      name,
      unit,
      value: rounded(value),
      peer,
      peerValue: peerValue === null ? null : rounded(peerValue),
      ratio: ratio === null ? null : rounded(ratio),
      target,
      met,
    }),
  );
  return JSON.stringify({ machine, flushMs: rounded(flush.p50Ms), results }, undefined, 2);
}

const HEADER = ["", "value", "unit", "spread", "peer", "peer's", "ratio", "target", ""];
const RIGHT = new Set([1, 3, 5, 6]);

/** For people: aligned columns under a line about the machine and one about its disk. */
export function tableOf({ machine, flush, rows }: Report): string {
  const cells = [
    HEADER,
    ...rows.map((row) => [
      row.name,
      shown(row.value),
      row.unit,
      row.spread === undefined ? "" : `${Math.round(row.spread * 100)} %`,
      row.peer ?? "",
      row.peerValue === null ? "" : shown(row.peerValue),
      row.ratio === null ? "" : row.ratio.toFixed(2),
      row.target ?? "",
      row.met === null ? "" : row.met ? "met" : "MISSED",
    ]),
  ];
  const widths = HEADER.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  const lines = cells.map((line) =>
    line
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return RIGHT.has(column) ? text.padStart(width) : text.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  const disk = `flush of 4 KiB to the disk: p50 ${shown(flush.p50Ms)} ms, p99 ${shown(flush.p99Ms)} ms`;
  const where = `${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`;
  return [where, disk, "", ...lines].join("\n");
}

/** Three or four digits that matter. */
function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

const rounded = (value: number) => Number(value.toPrecision(5));
