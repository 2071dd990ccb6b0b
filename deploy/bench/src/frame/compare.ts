import type { Report } from "./report.js";
import { shown } from "./report.js";
import type { Row } from "./result.js";

/** By how much a ratio may fall before it is named, when its repeats lie no further apart: 0.1 is 10 %. */
const NOISE = 0.1;

/**
 * What got worse since an earlier run, a line each: ratios to a peer of the same run that fell by more than the
 * repeats of either run lie apart, targets that are not met any more, and rows that are not there any more. Values
 * without a peer are left out: they tell one machine, or one hour, from another.
 */
export function worse(earlier: Report, now: Report): string[] {
  const rows = new Map(now.rows.map((row) => [keyOf(row), row]));
  return earlier.rows.flatMap((before) => {
    const after = rows.get(keyOf(before));
    if (after === undefined) return [`${labelOf(before)}: was measured on ${earlier.date}, and is not now`];
    return [...fallen(before, after), ...missed(before, after)];
  });
}

function fallen(before: Row, after: Row): string[] {
  if (before.ratio === null || after.ratio === null || before.ratio === 0) return [];
  // For times and bytes less is better, and so is a smaller ratio.
  const gain = isBetterSmall(after) ? before.ratio / after.ratio : after.ratio / before.ratio;
  const allowed = Math.max(NOISE, before.spread ?? 0, after.spread ?? 0);
  if (gain >= 1 - allowed) return [];
  const change = `ratio ${before.ratio.toFixed(2)} then, ${after.ratio.toFixed(2)} now`;
  return [`${labelOf(after)}: ${change} (${Math.round((1 - gain) * 100)} % worse)`];
}

function missed(before: Row, after: Row): string[] {
  if (before.met !== true || after.met !== false) return [];
  const values = `${shown(before.value)} ${before.unit} then, ${shown(after.value)} now`;
  return [`${labelOf(after)}: ${after.target} is not met any more: ${values}`];
}

/** Whether the less of it, the better. */
export function isBetterSmall({ unit, limits }: Pick<Row, "unit" | "limits">): boolean {
  return limits?.below !== undefined || /^(µs|ms|s|KiB|MiB|GiB|B)\b/.test(unit);
}

const keyOf = ({ name, unit, peer }: Row) => `${name}\n${unit}\n${peer}`;

export function labelOf({ name, peer }: Row): string {
  return peer === null ? name : `${name}, beside ${peer}`;
}
