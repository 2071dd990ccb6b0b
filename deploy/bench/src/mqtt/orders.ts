import type { Address, LoadReport } from "../load/orders.js";
import type { Lane } from "./publisher.js";

/** A lane as it goes to another process. */
export type SentLane = Omit<Lane, "payload"> & { readonly payload: string };

/** What the parent asks of a generator process. */
export type Order =
  /** Each connection keeps `window` messages unacknowledged: shows the peak rate. */
  | (Run & { readonly kind: "closed"; readonly warmUpMs: number; readonly measureMs: number })
  /** Messages are due at a fixed rate, whether or not the earlier ones are acknowledged. */
  | (Run & {
      readonly kind: "open";
      readonly perSecond: number;
      readonly warmUpMs: number;
      readonly measureMs: number;
    })
  /** Each connection is opened, and stays open until "release". */
  | (Run & { readonly kind: "hold" })
  | { readonly kind: "release" };

interface Run {
  readonly to: Address;
  readonly lanes: readonly SentLane[];
  readonly window: number;
}

/** As of HTTP; with all acknowledgement times of the measured time, to be put together with other processes'. */
export interface MqttReport extends LoadReport {
  /** Acknowledgement times in ms, counted by {@link slotOf}. */
  readonly times: readonly number[];
}

/** Times are counted in slots that are 2 % wide, from 10 µs on. */
const GROWTH = Math.log(1.02);
const LEAST_MS = 0.01;

export function slotOf(ms: number): number {
  return Math.max(0, Math.ceil(Math.log(ms / LEAST_MS) / GROWTH));
}

/** The upper end of a slot, in ms. */
export function endOf(slot: number): number {
  return LEAST_MS * Math.exp(slot * GROWTH);
}

/** The time that a share (0 to 1) of the counted ones do not exceed; 0: none was counted. */
export function shareOf(times: readonly number[], share: number): number {
  const total = times.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [slot, count] of times.entries()) {
    seen += count;
    if (total > 0 && seen >= share * total) return endOf(slot);
  }
  return 0;
}
