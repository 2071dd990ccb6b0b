import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { removeCluster, startPostgres } from "@fieldlog/servers";
import { type Benchmark, type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { type Row, row } from "../frame/result.js";
import type { Address } from "../load/orders.js";
import { Worker } from "../load/worker.js";
import { openFilesLimit } from "../system/open-files.js";
import { residentMiB, withUsage } from "../system/process-usage.js";
import { System } from "../system/system.js";
import { post } from "./http-call.js";
import {
  type DevicesOrder,
  type DevicesReport,
  NAMESPACE,
  PICTURES_PER_SECOND,
  type ViewersOrder,
  type ViewersReport,
} from "./orders.js";

/** What is measured, and of how many. */
export interface Plan {
  readonly devices: number;
  readonly samplesPerSecond: number;
  readonly streams: number;
  readonly viewersEach: number;
  readonly warmUpMs: number;
  /** Until the memory of a process that was busy is what it needs. */
  readonly settleMs: number;
}

const FIVE_THOUSAND: Plan = {
  ...{ devices: 5_000, samplesPerSecond: 10, streams: 20, viewersEach: 10, warmUpMs: 5_000, settleMs: 5_000 },
};
/** Files and sockets that a process needs besides. */
const OTHER_FILES = 200;
/** The load's programs, as they were built: a test runs this file as it stands. */
const [DEVICES, VIEWERS] = ["devices", "viewers"].map((name) =>
  fileURLToPath(new URL(`./websocket/${name}-client.js`, import.meta.resolve("@fieldlog/bench"))),
) as [string, string];

/** Boards on one process: their memory, how soon one samples, and who looks at what they see. */
export const websocket: Benchmark = {
  name: "websocket",
  connections: 1,
  seconds: 10,
  about:
    "5,000 connected boards on one process: memory, from a sample request to the device, and pictures beside it",
  run: (context) => websocketRows(context, FIVE_THOUSAND),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "repeats" | "seconds" | "signal" | "profiler">;

/** Raises NoResult. */
export async function websocketRows(context: Context, plan: Plan): Promise<Row[]> {
  if (openFilesLimit() < plan.devices + OTHER_FILES) throw new NoResult("too few open files are allowed");
  const clusterFolder = join(context.folder, "postgres");
  const postgres = await startPostgres({ dataDir: clusterFolder });
  const stopping: (() => Promise<void>)[] = [];
  try {
    const { folder, progress, profiler } = context;
    progress("starting the system");
    const log = (line: string) => progress(`a service says: ${line}`);
    const options = { folder, name: "websocket", commit: "group", postgres, log, profiler } as const;
    const system = await System.start({ ...options, door: "edge-websocket" });
    stopping.push(() => system.stop());
    const [http] = await Promise.all([system.startHttp(), system.startSampling()]);
    const stage = new Stage(context, plan, system, http);
    stopping.push(() => stage.stop());
    return await stage.measure();
  } finally {
    for (const stop of stopping.reverse()) await stop();
    await postgres.stop();
    await removeCluster(clusterFolder);
  }
}

class Stage {
  private readonly devices = new Worker<DevicesOrder, DevicesReport>(DEVICES);
  private readonly viewers = new Worker<ViewersOrder, ViewersReport>(VIEWERS);

  constructor(
    private readonly context: Context,
    private readonly plan: Plan,
    private readonly system: System,
    private readonly http: Address,
  ) {}

  async stop(): Promise<void> {
    await this.viewers.stop();
    await this.devices.stop();
  }

  async measure(): Promise<Row[]> {
    const connecting = await this.connect();
    const alone = await this.sampled("sample requests");
    const { http, plan, system } = this;
    const { streams: devices, viewersEach } = plan;
    const look = { kind: "look", http, key: system.adminKey, devices, viewersEach } as const;
    await checked(this.viewers.order(look));
    const seen: ViewersReport[] = [];
    const beside = await this.sampled("the same beside the pictures", seen);
    return [
      ...connecting,
      ...samplingRows("", alone),
      ...samplingRows(" beside the pictures", beside, alone),
      ...this.pictureRows(seen),
    ];
  }

  private async connect(): Promise<Row[]> {
    const { plan, system, context } = this;
    const before = residentMiB(system.pid("edge-websocket"));
    const key = await this.boardKey();
    const begun = performance.now();
    await checked(this.devices.order({ kind: "connect", to: system.edge, key, count: plan.devices }));
    const seconds = (performance.now() - begun) / 1_000;
    await sleep(plan.settleMs);
    const after = residentMiB(system.pid("edge-websocket"));
    const rate = plan.devices / seconds;
    context.progress(
      `${plan.devices} devices in ${seconds.toFixed(1)} s; edge-websocket ${before?.toFixed(0)} MiB before, ${after?.toFixed(0)} MiB after`,
    );
    const rows = [row({ name: "devices let in, each registered", unit: "1/s", values: [rate] })];
    if (before === undefined || after === undefined) return rows;
    const each = ((after - before) * 1_024) / plan.devices;
    const count = plan.devices.toLocaleString("en");
    return [
      ...rows,
      row({ name: `edge-websocket with ${count} devices`, unit: "MiB", values: [after] }),
      row({ name: `each of ${count} connected devices`, unit: "KiB", values: [each] }),
    ];
  }

  /** A board's key, which the operator makes. */
  private async boardKey(): Promise<string> {
    const made = await post(this.http, this.system.adminKey, `/v1/namespaces/${NAMESPACE}/api-keys`, {
      ...{ kind: "edge-impulse", permission: "write", name: "bench" },
    });
    return String(made["key"]);
  }

  /** @param seen gets what the viewers got meanwhile */
  private async sampled(what: string, seen?: ViewersReport[]): Promise<DevicesReport[]> {
    const { context, http, plan, system } = this;
    const measureMs = context.seconds * 1_000;
    const order = {
      kind: "sample",
      http,
      key: system.adminKey,
      perSecond: plan.samplesPerSecond,
      measureMs,
    } as const;
    const pids = {
      "edge-websocket": system.pid("edge-websocket"),
      sampling: system.pid("sampling"),
      "edge-http": system.pid("edge-http"),
      nats: system.nats.pid,
      devices: this.devices.pid,
    };
    const reports: DevicesReport[] = [];
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      const warmUpMs = repeat === 0 ? plan.warmUpMs : 0;
      const work = () =>
        Promise.all([
          checked(this.devices.order({ ...order, warmUpMs })),
          seen && checked(this.viewers.order({ kind: "count", measureMs: warmUpMs + measureMs })),
        ]);
      const { profiler } = context;
      const { result, usage } = await withUsage(pids, work, { what, profiler });
      const [report, looked] = result;
      reports.push(report);
      if (looked !== undefined) seen?.push(looked);
      context.progress(
        `${what}: p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms, most ${report.maxMs.toFixed(1)} ms; ${usage(plan.samplesPerSecond * ((warmUpMs + measureMs) / 1_000))}`,
      );
      context.signal.throwIfAborted();
    }
    return reports;
  }

  private pictureRows(seen: readonly ViewersReport[]): Row[] {
    const { streams, viewersEach } = this.plan;
    const name = `${streams} streams of ${PICTURES_PER_SECOND} pictures/s to ${viewersEach} viewers each`;
    const values = (of: (report: ViewersReport) => number) => seen.map(of);
    return [
      row({ name, unit: "pictures/s", values: values(({ perSecond }) => perSecond) }),
      row({
        ...{ name: `${name}, the viewer with the fewest`, unit: "pictures/s" },
        values: values(({ leastPerSecond }) => leastPerSecond),
        target: { atLeast: 0.9 * PICTURES_PER_SECOND },
      }),
      row({ name: `${name}, delay p99`, unit: "ms", values: values(({ p99Ms }) => p99Ms) }),
    ];
  }
}

/** @param without the same, while nobody looks at anything */
function samplingRows(
  where: string,
  reports: readonly DevicesReport[],
  without?: readonly DevicesReport[],
): Row[] {
  const figure = (share: string, of: (report: DevicesReport) => number, below?: number) =>
    row({
      ...{
        name: `from a sample request to the device${where}, ${share}`,
        unit: "ms",
        values: reports.map(of),
      },
      ...(without && { peer: { name: "without them", values: without.map(of) } }),
      ...(below && { target: { below } }),
    });
  return [figure("p50", ({ p50Ms }) => p50Ms), figure("p99", ({ p99Ms }) => p99Ms, 20)];
}

/** Raises NoResult for what went wrong. */
async function checked<R extends { failures: Readonly<Record<string, number>> }>(
  reported: Promise<R>,
): Promise<R> {
  const report = await reported;
  const failures = Object.entries(report.failures).map(([reason, count]) => `${count} x ${reason}`);
  if (failures.length > 0) throw new NoResult(failures.join(", "));
  return report;
}
