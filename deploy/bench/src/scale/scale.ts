import type { Benchmark, BenchmarkContext } from "../frame/benchmark.js";
import type { Row } from "../frame/result.js";
import { deviceCurves } from "./devices.js";
import { logCurves } from "./log.js";
import { subscriptionCurves } from "./subscriptions.js";

/** Up to where each grows. */
export interface ScalePlan {
  readonly subscriptions: readonly number[];
  readonly devices: readonly number[];
  readonly events: readonly number[];
}

const PLAN: ScalePlan = {
  subscriptions: [1, 10, 100, 1_000, 10_000, 100_000],
  devices: [100, 1_000, 10_000, 100_000, 1_000_000],
  events: [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 50_000_000],
};

/** How cost grows with devices, subscriptions and the length of the log. */
export const scale: Benchmark = {
  name: "scale",
  connections: 1,
  about:
    "how cost grows: 1 to 100,000 subscriptions, 100 to 1,000,000 devices, a log of 1,000 to 50,000,000 events",
  run: (context) =>
    scaleRows(context, { ...PLAN, events: PLAN.events.filter((each) => each <= context.events) }),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "repeats" | "signal">;

export async function scaleRows(context: Context, plan: ScalePlan): Promise<Row[]> {
  return [
    ...(await subscriptionCurves(context, plan.subscriptions)),
    ...(await deviceCurves(context, plan.devices)),
    ...(await logCurves(context, plan.events)),
  ];
}
