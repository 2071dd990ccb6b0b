import { labelOf } from "../frame/compare.js";
import { outcomeOf, type Report, shown } from "../frame/report.js";
import type { Row } from "../frame/result.js";

/** A figure that has to be reached, and by how much it is. */
export interface TargetLine {
  readonly benchmark: string;
  readonly what: string;
  readonly figure: string;
  readonly target: string;
  /** Null: what it is to be compared with is not installed. */
  readonly met: boolean | null;
  /** `met by 20 %`, `missed by 4 %`, `not measured`: of what the target asks, of its parts the one with the least to spare. */
  readonly by: string;
}

/** Every row with a target. */
export function targetsOf(reports: readonly Report[]): TargetLine[] {
  return reports.flatMap(({ benchmark, rows }) =>
    rows.flatMap((row) => (row.target === null ? [] : [lineOf(benchmark, row, row.target)])),
  );
}

function lineOf(benchmark: string, row: Row, target: string): TargetLine {
  const { value, unit, ratio, met } = row;
  const figure = `${shown(value)} ${unit}${ratio === null ? "" : `, ratio ${ratio.toFixed(2)}`}`;
  const share = spare(row);
  const percent = `${Math.abs(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
  const by = met === null ? "not measured" : `${met ? "met" : "missed"} by ${percent}`;
  return { benchmark, what: labelOf(row), figure, target, met, by };
}

/** What is left of what the target asks, as a share of it; below 0: what is missing. */
function spare({ limits, value, ratio }: Row): number {
  const parts = [
    ...(limits?.atLeast === undefined ? [] : [value / limits.atLeast - 1]),
    ...(limits?.below === undefined ? [] : [1 - value / limits.below]),
    ...(limits?.ratio === undefined ? [] : [(ratio ?? 0) / limits.ratio - 1]),
  ];
  return Math.min(...parts);
}

/** All targets of some runs, for a terminal; then which benchmarks have no result. */
export function summaryOf(reports: readonly Report[], without: readonly string[]): string {
  const lines = targetsOf(reports);
  const met = lines.filter((line) => line.met).length;
  const cells = lines.map(({ benchmark, what, figure, target, met, by }) => [
    ...[outcomeOf({ target, met }), benchmark, what, figure, target, by],
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) =>
    Math.max(0, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [
    ...cells.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")),
    `${met} of ${lines.length} targets met`,
    ...without.map((benchmark) => `NO RESULT  ${benchmark}`),
  ].join("\n");
}
