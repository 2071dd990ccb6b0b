import { geocellText, numbersIn } from "@fieldlog/geocells";
import type { Machine } from "../core/machine.js";

export interface ActiveCount {
  /** "": all of them; "?": whose place nobody knows. */
  readonly geocell: string;
  activeMobile: number;
  activeStatic: number;
  inactive: number;
}

export interface CountsAsked {
  readonly namespace: string;
  /** Bits of the cells; undefined: one count of all. */
  readonly resolution: number | undefined;
  /** Only what lies in this cell; "": everything, also what lies nobody knows where. */
  readonly within: string;
}

/** Of those of which anything was heard, by cell, as of `now`. In the order of the cells, "?" first. */
export function countActive(
  machine: Machine,
  { namespace, resolution, within }: CountsAsked,
  now: number,
): ActiveCount[] {
  const { slots } = machine;
  const { first, last } = numbersIn(within);
  const counts = new Map<string, ActiveCount>();
  const keyOf = (cell: number) => {
    if (resolution === undefined) return "";
    return Number.isNaN(cell) ? "?" : geocellText(cell, resolution);
  };
  for (const slot of slots.in(namespace)) {
    const state = machine.stateOf(slot, now);
    const cell = slots.geocell(slot);
    if (state === undefined || (within !== "" && !(first <= cell && cell <= last))) continue;
    const geocell = keyOf(cell);
    let count = counts.get(geocell);
    if (count === undefined) {
      count = { geocell, activeMobile: 0, activeStatic: 0, inactive: 0 };
      counts.set(geocell, count);
    }
    if (state === "inactive") count.inactive++;
    else if (slots.isMobile(slot)) count.activeMobile++;
    else count.activeStatic++;
  }
  if (resolution === undefined && counts.size === 0) {
    return [{ geocell: "", activeMobile: 0, activeStatic: 0, inactive: 0 }];
  }
  const place = ({ geocell }: ActiveCount) => (geocell === "?" ? "" : geocell);
  return [...counts.values()].sort((a, b) => (place(a) < place(b) ? -1 : 1));
}
