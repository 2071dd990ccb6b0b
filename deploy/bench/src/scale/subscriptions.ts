import { setImmediate as turn } from "node:timers/promises";
import type { BenchmarkContext } from "../frame/benchmark.js";
import { curves } from "../frame/names.js";
import { point, type Row } from "../frame/result.js";
import { Chance } from "../matching/chance.js";
import { logOf } from "../matching/events.js";
import { byIndex, timed } from "../matching/measure.js";
import { mixed } from "../matching/subscriptions.js";

const EVENTS = 1_000;
const SEED = 34;
const ALONG = "subscriptions";

/** One event against ever more subscriptions, and what each of them takes of memory. */
export async function subscriptionCurves(
  { progress, repeats, signal }: Pick<BenchmarkContext, "progress" | "repeats" | "signal">,
  steps: readonly number[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const x of steps) {
    const chance = new Chance(SEED);
    const events = logOf(EVENTS, chance);
    const before = used();
    const matcher = byIndex(mixed(x, chance));
    const kib = Math.max(0, used() - before) / x / 1024;
    const [p50, p99] = [[] as number[], [] as number[]];
    // The first repeat warms up.
    for (let repeat = 0; repeat <= repeats; repeat++) {
      const times = timed(matcher, events());
      if (repeat > 0) {
        p50.push(times.p50);
        p99.push(times.p99);
      }
      await turn();
      signal.throwIfAborted();
    }
    rows.push(
      point({ series: curves.matchedP50, along: ALONG, x }, { unit: "µs", values: p50 }),
      point({ series: curves.matchedP99, along: ALONG, x }, { unit: "µs", values: p99 }),
      ...(x < 1_000
        ? []
        : [point({ series: curves.subscriptionMemory, along: ALONG, x }, { unit: "KiB", values: [kib] })]),
    );
    progress(`${x} subscriptions: p50 ${p50.at(-1)?.toFixed(1)} µs, p99 ${p99.at(-1)?.toFixed(1)} µs`);
  }
  return rows;
}

/** Bytes that are in use, after a collection where the process allows one. */
function used(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
