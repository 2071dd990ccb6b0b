import type { RunningPostgres } from "@fieldlog/servers";
import { type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { Load } from "../load/load.js";
import type { LoadReport } from "../load/orders.js";
import type { BareServer } from "../system/bare.js";
import { withUsage } from "../system/process-usage.js";
import { registerDevices } from "../system/register.js";
import { System } from "../system/system.js";
import { countLog, type LogCount } from "./log-count.js";

const NAMESPACE = "default";
const DEVICES = 512;
const WARM_UP_MS = 1_000;
const FIRST_RUN_MS = 5_000;
/** Requests per second that the first run is prepared for, when no rate is known. */
const GUESS_PER_S = 40_000;
/** More is prepared than the last rate asks for, so that a faster run does not run out. */
const SURPLUS = 1.2;

/** A running system with a load generator, and the count of what it acknowledged. */
export class Stage {
  #acknowledged = 0;
  /** What the bare server reached: more than the edge ever will. */
  #barePerSecond = GUESS_PER_S;

  private constructor(
    readonly context: BenchmarkContext,
    readonly system: System,
    readonly load: Load,
    readonly bare: BareServer,
  ) {}

  /** Runs `measure` on a system of its own; whatever happens, everything that was started is stopped. */
  static async with<T>(
    context: BenchmarkContext,
    bare: BareServer,
    options: { commit: "group" | "single"; name: string; postgres: RunningPostgres },
    measure: (stage: Stage) => Promise<T>,
  ): Promise<T> {
    context.progress(`starting the system, commit: ${options.commit}`);
    const { folder, progress } = context;
    const system = await System.start({
      ...{ ...options, folder, door: "edge-http", profiler: context.profiler },
      log: (line) => progress(`a service says: ${line}`),
    });
    let load: Load | undefined;
    try {
      const devices = await registerDevices(system.url, NAMESPACE, DEVICES);
      load = await Load.start(devices, NAMESPACE);
      return await measure(new Stage(context, system, load, bare));
    } finally {
      await load?.stop();
      await system.stop();
    }
  }

  /** The first run at full load: compiles the code paths, and finds about what rate to prepare for. */
  async warmUp(): Promise<void> {
    const { connections, progress } = this.context;
    progress("warming up");
    await this.load.prepare(connections, (GUESS_PER_S * FIRST_RUN_MS) / 1000);
    const bare = await this.#checked(this.load.closed(this.bare.address, 0, FIRST_RUN_MS / 2, true));
    this.#barePerSecond = bare.perSecond;
    await this.edgeRun(() => this.load.closed(this.system.edge, FIRST_RUN_MS / 3, (FIRST_RUN_MS * 2) / 3));
  }

  /** Prepares fresh requests for a peak run. */
  async prepare(): Promise<void> {
    const { connections, seconds } = this.context;
    const requests = this.#barePerSecond * (seconds + WARM_UP_MS / 1000) * SURPLUS;
    await this.load.prepare(connections, Math.ceil(requests));
  }

  /** The bare server at full load, with the requests that were prepared. */
  async bareRun(): Promise<LoadReport> {
    const work = () => this.load.closed(this.bare.address, WARM_UP_MS, this.context.seconds * 1000, true);
    const pids = { "bare server": this.bare.pid, generator: this.load.pid };
    const { result, usage } = await withUsage(pids, work);
    this.#say("bare node:http", result, usage);
    this.#barePerSecond = Math.max(this.#barePerSecond, result.perSecond);
    return this.#checked(Promise.resolve(result));
  }

  /** The edge at full load, with the requests that were prepared. */
  async peakRun(name: string): Promise<LoadReport> {
    const work = () => this.load.closed(this.system.edge, WARM_UP_MS, this.context.seconds * 1000);
    const { result, usage } = await withUsage(this.#pids(), work, this.#profiled(name));
    this.#say(name, result, usage);
    return this.edgeRun(() => Promise.resolve(result));
  }

  /** The edge at a fixed rate. */
  async steadyRun(perSecond: number): Promise<LoadReport> {
    const { connections, seconds } = this.context;
    const requests = perSecond * (seconds + WARM_UP_MS / 1000) * SURPLUS;
    await this.load.prepare(connections, Math.ceil(requests));
    const work = () => this.load.open(this.system.edge, perSecond, WARM_UP_MS, seconds * 1000);
    const name = `at ${Math.round(perSecond)}/s`;
    const { result, usage } = await withUsage(this.#pids(), work, this.#profiled(name));
    this.#say(name, result, usage);
    if (result.ranOut) throw new NoResult("the load generator ran out of prepared requests");
    return this.edgeRun(() => Promise.resolve(result));
  }

  /** A run against the edge: what it acknowledges must be in the log, and nothing else may happen. */
  async edgeRun(work: () => Promise<LoadReport>): Promise<LoadReport> {
    const report = await this.#checked(work());
    this.#acknowledged += report.acknowledged;
    return report;
  }

  /** The log must hold each acknowledged signal once, and no other. Raises NoResult. */
  async verifyLog(): Promise<LogCount> {
    const count = await countLog(this.system.nats);
    const { signals, repeated, commits } = count;
    if (signals !== this.#acknowledged || repeated > 0) {
      throw new NoResult(
        `the log holds ${signals} signals (${repeated} of them repeated), acknowledged were ${this.#acknowledged}`,
      );
    }
    const size = (signals / commits).toFixed(1);
    this.context.progress(
      `the log holds exactly the ${signals} acknowledged signals, ${size} in a commit on average`,
    );
    return count;
  }

  async #checked(running: Promise<LoadReport>): Promise<LoadReport> {
    const report = await running;
    const failures = Object.entries(report.failures).map(([reason, count]) => `${count} x ${reason}`);
    if (failures.length > 0) throw new NoResult(`not every answer was a 200: ${failures.join(", ")}`);
    this.context.signal.throwIfAborted();
    return report;
  }

  #pids(): Record<string, number> {
    const pids: Record<string, number> = { generator: this.load.pid, nats: this.system.nats.pid };
    for (const name of ["edge-http", "projections"] as const) {
      const pid = this.system.pid(name);
      if (pid !== 0) pids[name] = pid;
    }
    return pids;
  }

  #profiled(what: string) {
    return { what, profiler: this.context.profiler };
  }

  #say(what: string, report: LoadReport, usage: (done: number) => string): void {
    const { acknowledged, perSecond, p50Ms, p99Ms, ranOut } = report;
    const times = `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
    this.context.progress(
      `${what}: ${Math.round(perSecond)}/s, ${times}; ${usage(acknowledged)}${ranOut ? "; ended early, out of requests" : ""}`,
    );
  }
}
