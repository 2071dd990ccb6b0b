import { setImmediate as turn } from "node:timers/promises";
import type { registry } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import { type Benchmark, type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { type Row, row, type Target } from "../frame/result.js";
import { withUsage } from "../system/process-usage.js";
import { Chance } from "./chance.js";
import { logOf } from "./events.js";
import { byIndex, byLoop, type Times, timed } from "./measure.js";
import { allDifferent, allTheSame, mixed } from "./subscriptions.js";

const SUBSCRIPTIONS = 10_000;
const EVENTS = 1_000;
const SEED = 34;

interface Case {
  readonly name: string;
  readonly filters: readonly registry.EventFilter[];
  /** Of the p99, in µs. Where an event is for all, visiting them is what takes the time. */
  readonly target?: Target;
}

interface Measured {
  readonly index: readonly Times[];
  readonly loop: readonly Times[];
}

/** Whom one event is for, of 10,000 subscriptions. */
export const matching: Benchmark = {
  name: "matching",
  connections: 1,
  about: "one event against 10,000 subscriptions, in memory; beside a loop over all of them",
  run: async (context) => {
    const chance = new Chance(SEED);
    const events = logOf(EVENTS, chance);
    const count = SUBSCRIPTIONS.toLocaleString("en");
    const cases: readonly Case[] = [
      {
        name: `one event, ${count} mixed subscriptions`,
        ...{ filters: mixed(SUBSCRIPTIONS, chance), target: { below: 1_000 } },
      },
      { name: `one event for all ${count}, each another filter`, filters: allDifferent(SUBSCRIPTIONS) },
      { name: `one event for all ${count}, the same filter`, filters: allTheSame(SUBSCRIPTIONS) },
    ];
    const rows: Row[] = [];
    for (const each of cases) {
      const work = () => measure(context, each, events);
      const { profiler } = context;
      const { result } = await withUsage({ bench: process.pid }, work, { what: each.name, profiler });
      rows.push(...rowsOf(each, result));
    }
    return rows;
  },
};

async function measure(
  { repeats, progress, signal }: BenchmarkContext,
  { name, filters }: Case,
  events: () => LoggedEvent[],
): Promise<Measured> {
  const [index, loop] = [byIndex(filters), byLoop(filters)];
  const measured = { index: [] as Times[], loop: [] as Times[] };
  // The first repeat warms up.
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const both = { index: timed(index, events()), loop: timed(loop, events()) };
    const { matches, p50, p99, worst } = both.index;
    if (matches !== both.loop.matches) {
      throw new NoResult(`the index found ${matches} matches, the loop ${both.loop.matches}`);
    }
    const times = [p50, p99, worst].map((time) => time.toFixed(1)).join(", ");
    progress(`${name}: ${(matches / EVENTS).toFixed(1)} matches each; p50, p99, worst in µs: ${times}`);
    if (repeat > 0) {
      measured.index.push(both.index);
      measured.loop.push(both.loop);
    }
    await turn();
    signal.throwIfAborted();
  }
  return measured;
}

function rowsOf({ name, target: wanted }: Case, { index, loop }: Measured): Row[] {
  const part = (of: "p50" | "p99" | "worst", target?: Target) =>
    row({
      ...{ name: `${name}, ${of}`, unit: "µs", values: index.map((times) => times[of]) },
      peer: { name: "loop over all", values: loop.map((times) => times[of]) },
      ...(target ? { target } : {}),
    });
  return [part("p50"), part("p99", wanted), part("worst")];
}
