import type { RunningPostgres } from "@fieldlog/servers";
import { type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { withUsage } from "../system/process-usage.js";
import { System } from "../system/system.js";
import { createSenders, type Sender } from "./fleet.js";
import type { MqttLoad, Target } from "./load.js";
import { logSize } from "./log-size.js";
import type { MqttReport } from "./orders.js";

export const WARM_UP_MS = 1_000;
/** Generator processes. */
export const PROCESSES = 2;

/** A running system behind edge-mqtt, and the count of what it acknowledged. */
export class MqttStage {
  #acknowledged = 0;

  private constructor(
    readonly context: BenchmarkContext,
    readonly system: System,
    readonly load: MqttLoad,
    /** As many as there are connections. */
    readonly senders: readonly Sender[],
    readonly postgres: RunningPostgres,
  ) {}

  /** Runs `measure` on a system of its own; whatever happens, everything that was started is stopped. */
  static async with<T>(
    context: BenchmarkContext,
    load: MqttLoad,
    options: { commit: "group" | "single"; name: string; postgres: RunningPostgres },
    measure: (stage: MqttStage) => Promise<T>,
  ): Promise<T> {
    context.progress(`starting the system, commit: ${options.commit}`);
    const { folder, progress, profiler } = context;
    const log = (line: string) => progress(`a service says: ${line}`);
    const system = await System.start({ ...options, folder, door: "edge-mqtt", log, profiler });
    try {
      const senders = await createSenders(system, "peak", context.connections);
      return await measure(new MqttStage(context, system, load, senders, options.postgres));
    } finally {
      await system.stop();
    }
  }

  /** What is acknowledged in the run must be in the log, and nothing else may happen. */
  async run(name: string, work: () => Promise<MqttReport>): Promise<MqttReport> {
    return (await this.observed(name, work)).report;
  }

  /** The same, with how many processors each process of the system kept busy. @param others whose is told as well */
  async observed(
    name: string,
    work: () => Promise<MqttReport>,
    others: Readonly<Record<string, number>> = {},
  ): Promise<{ report: MqttReport; busy: Readonly<Record<string, number>> }> {
    const { load, context } = this;
    const pids = { ...this.pids(), ...others };
    const { profiler } = context;
    const { result, usage, busy } = await withUsage({ ...load.pids, ...pids }, work, {
      what: name,
      profiler,
    });
    say(context, name, result, usage);
    this.#acknowledged += checked(result).acknowledged;
    context.signal.throwIfAborted();
    const ours = Object.entries(busy).filter(([process]) => Object.hasOwn(pids, process));
    return { report: result, busy: Object.fromEntries(ours) };
  }

  target(lanes: Target["lanes"]): Target {
    return { to: this.system.edge, lanes };
  }

  /** The log must hold each acknowledged message once, and no other. Raises NoResult. */
  async verifyLog(): Promise<void> {
    const { signals, commits } = await logSize(this.system.nats);
    if (signals !== this.#acknowledged) {
      throw new NoResult(`the log holds ${signals} signals, acknowledged were ${this.#acknowledged}`);
    }
    const size = (signals / commits).toFixed(1);
    this.context.progress(`the log holds exactly the ${signals} acknowledged messages, ${size} in a commit`);
  }

  private pids(): Readonly<Record<string, number>> {
    const projections = this.system.pid("projections");
    return {
      ...{ nats: this.system.nats.pid, "edge-mqtt": this.system.pid("edge-mqtt") },
      ...(projections ? { projections } : {}),
    };
  }
}

/** Raises NoResult for a run in which anything but acknowledgements came back. */
export function checked(report: MqttReport): MqttReport {
  const failures = Object.entries(report.failures).map(([reason, count]) => `${count} x ${reason}`);
  if (failures.length > 0) throw new NoResult(`not everything was acknowledged: ${failures.join(", ")}`);
  return report;
}

export function say(
  { progress }: BenchmarkContext,
  what: string,
  report: MqttReport,
  usage: (done: number) => string,
): void {
  const { acknowledged, perSecond, p50Ms, p99Ms } = report;
  const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
  progress(`${what}: ${Math.round(perSecond)}/s, ${times}; ${usage(acknowledged)}`);
}
