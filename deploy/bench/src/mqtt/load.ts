import { fileURLToPath } from "node:url";
import type { Address } from "../load/orders.js";
import { Worker } from "../load/worker.js";
import { type MqttReport, type Order, type SentLane, shareOf } from "./orders.js";

const GENERATOR = fileURLToPath(new URL("./generator.js", import.meta.url));

/** Where a run's messages go, and on which connections. */
export interface Target {
  readonly to: Address;
  readonly lanes: readonly SentLane[];
}

/** Messages of a connection that may be unacknowledged. */
export const WINDOW = 20;

/** Several generator processes that share the connections of each run. */
export class MqttLoad {
  readonly #workers: readonly Worker<Order, MqttReport>[];

  constructor(processes: number) {
    this.#workers = Array.from({ length: processes }, () => new Worker(GENERATOR));
  }

  get pids(): Record<string, number> {
    return Object.fromEntries(this.#workers.map(({ pid }, index) => [`generator ${index + 1}`, pid]));
  }

  closed(target: Target, warmUpMs: number, measureMs: number): Promise<MqttReport> {
    return this.#share(target, (part) => ({ ...part, kind: "closed", warmUpMs, measureMs }));
  }

  open(target: Target, perSecond: number, warmUpMs: number, measureMs: number): Promise<MqttReport> {
    return this.#share(target, (part) => ({
      ...{ ...part, kind: "open", warmUpMs, measureMs },
      perSecond: (perSecond * part.lanes.length) / target.lanes.length,
    }));
  }

  hold(target: Target): Promise<MqttReport> {
    return this.#share(target, (part) => ({ ...part, kind: "hold" }));
  }

  async release(): Promise<MqttReport> {
    return together(await Promise.all(this.#workers.map((worker) => worker.order({ kind: "release" }))));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  async #share(
    { to, lanes }: Target,
    order: (part: Target & { window: number }) => Order,
  ): Promise<MqttReport> {
    const each = Math.ceil(lanes.length / this.#workers.length);
    const reports = this.#workers.map((worker, index) => {
      const part = lanes.slice(index * each, (index + 1) * each);
      return worker.order(order({ to, lanes: part, window: WINDOW }));
    });
    return together(await Promise.all(reports));
  }
}

/** What several processes saw, as one. */
export function together(reports: readonly MqttReport[]): MqttReport {
  const sum = (of: (report: MqttReport) => number) => reports.reduce((total, one) => total + of(one), 0);
  const failures: Record<string, number> = {};
  const times: number[] = [];
  for (const report of reports) {
    for (const [reason, count] of Object.entries(report.failures)) {
      failures[reason] = (failures[reason] ?? 0) + count;
    }
    for (const [slot, count] of report.times.entries()) times[slot] = (times[slot] ?? 0) + count;
  }
  return {
    acknowledged: sum(({ acknowledged }) => acknowledged),
    perSecond: sum(({ perSecond }) => perSecond),
    open: sum(({ open }) => open),
    ranOut: reports.some(({ ranOut }) => ranOut),
    p50Ms: shareOf(times, 0.5),
    p99Ms: shareOf(times, 0.99),
    maxMs: Math.max(...reports.map(({ maxMs }) => maxMs)),
    failures,
    times,
  };
}
