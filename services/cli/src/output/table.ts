import Table from "cli-table3";
import type { Paint } from "./text.js";

const NO_LINES = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"],
    ...["left", "left-mid", "mid", "mid-mid", "right", "right-mid"],
  ].map((name) => [name, ""]),
);

/** A column: its heading, and whether its values are numbers. */
export type Column = string | { readonly heading: string; readonly right: true };

/** A column of numbers. */
export const right = (heading: string) => ({ heading, right: true }) as const;

/** Rows under headings, without lines, so that it can be copied and cut; ends in a new line. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string {
  const made = new Table({
    head: columns.map((column) => paint("bold", typeof column === "string" ? column : column.heading)),
    colAligns: columns.map((column) => (typeof column === "string" ? "left" : "right")),
    chars: { ...NO_LINES, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  made.push(...rows.map((row) => [...row]));
  return `${made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** One thing's fields, a line each; those without a value are left out. */
export function fields(pairs: readonly (readonly [string, string])[], paint: Paint): string {
  const shown = pairs.filter(([, value]) => value !== "");
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${paint("bold", name.padEnd(width))}  ${value}\n`).join("");
}
