import type { FlushLatency } from "./disk.js";
import type { Machine } from "./machine.js";
import type { Row } from "./result.js";
import { percent } from "./stolen.js";

/** What a run of a benchmark found, and where and when. */
export interface Report {
  readonly benchmark: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Short hash; with a `+` behind it when files of the project had changed since. "unknown" outside git. */
  readonly commit: string;
  /** Seconds that the run took. */
  readonly tookS: number;
  readonly machine: Machine;
  readonly flush: FlushLatency;
  /** Share of the processors' time that the host gave to others meanwhile, 0 to 1; null: not known. */
  readonly stolen?: number | null;
  readonly rows: readonly Row[];
}

/** What `--json` prints; `flushMs` is the median. */
export function jsonOf({ machine, flush, rows }: Report): string {
  const results = rows.map(({ limits, curve, spread, ...row }) => numbersOf(row));
  return JSON.stringify({ machine, flushMs: rounded(flush.p50Ms), results }, undefined, 2);
}

/** All of it, as it is kept. */
export function wholeJsonOf(report: Report): string {
  const rows = report.rows.map((each) => ({
    ...numbersOf(each),
    spread: each.spread && rounded(each.spread),
  }));
  const flush = { p50Ms: rounded(report.flush.p50Ms), p99Ms: rounded(report.flush.p99Ms) };
  const { tookS, stolen = null } = report;
  const whole = { ...report, tookS: Math.round(tookS), flush, stolen: stolen && rounded(stolen), rows };
  return JSON.stringify(whole, undefined, 2);
}

function numbersOf<T extends Pick<Row, "value" | "peerValue" | "ratio">>(row: T): T {
  const { value, peerValue, ratio } = row;
  return {
    ...row,
    value: rounded(value),
    peerValue: peerValue === null ? null : rounded(peerValue),
    ratio: ratio === null ? null : rounded(ratio),
  };
}

const HEADER = ["", "value", "unit", "spread", "peer", "peer's", "ratio", "target", ""];
const RIGHT = new Set([1, 3, 5, 6]);

/** For people: aligned columns under a line about the machine and one about its disk. */
export function tableOf({ machine, flush, stolen, rows }: Report): string {
  const cells = [
    HEADER,
    ...rows.map((row) => [
      row.name,
      shown(row.value),
      row.unit,
      row.spread === null ? "" : `${Math.round(row.spread * 100)} %`,
      row.peer ?? "",
      row.peerValue === null ? "" : shown(row.peerValue),
      row.ratio === null ? "" : row.ratio.toFixed(2),
      row.target ?? "",
      outcomeOf(row),
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
  return [wordsOf(machine), `${disk}${stolenWords(stolen)}`, "", ...lines].join("\n");
}

function stolenWords(stolen: number | null | undefined): string {
  return stolen ? `; the host gave ${percent(stolen)} of the processors' time to others` : "";
}

/** Of a row without a target: nothing. */
export function outcomeOf({ target, met }: Pick<Row, "target" | "met">): string {
  if (target === null) return "";
  return met === null ? "not measured" : met ? "met" : "MISSED";
}

export function wordsOf({ cores, cpu, memoryGiB, system, node }: Machine): string {
  return `${cores} x ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}`;
}

/** Three or four digits that matter. */
export function shown(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

const rounded = (value: number) => Number(value.toPrecision(5));
