import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { limits } from "@fieldlog/contracts";
import { type Benchmark, type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { type Row, row } from "../frame/result.js";
import { Worker } from "../load/worker.js";
import type { Profiler } from "../profile/profiler.js";
import { withUsage } from "../system/process-usage.js";
import { type Memory, memoryOf } from "./memory.js";
import {
  type DeviceOrder,
  type DeviceReport,
  MESSAGE_BYTES,
  type SinkOrder,
  type SinkReport,
} from "./orders.js";

/** How much of it is done. */
export interface Plan {
  /** Stored, then sent. */
  readonly messages: number;
  /** Left waiting. */
  readonly waiting: number;
  /** Where the processes' scripts are. */
  readonly scripts: URL;
}

const PLAN: Plan = { messages: 100_000, waiting: 1_000_000, scripts: new URL(".", import.meta.url) };
/** Calls of an application that are under way at once: those of one turn share a flush. */
const AT_ONCE = 64;
/** Of the device's process: the client's README advises it for small machines. */
const NODE_OPTIONS = ["--max-semi-space-size=1"];
const SETTLE_MS = 2_000;
const LEAST_ENQUEUED = 20_000;
const MOST_MIB = 80;

/** The client of devices: what it stores and sends in a second, and the memory that it needs. */
export const deviceClient: Benchmark = {
  name: "device-client",
  connections: 1,
  about: "the device client: messages stored on disk, sent, and waiting by the million",
  run: (context) => deviceClientRows(context, PLAN),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "repeats" | "signal" | "profiler">;

/** Raises NoResult when a message is lost. */
export async function deviceClientRows(context: Context, plan: Plan): Promise<Row[]> {
  const stored: number[] = [];
  const sent: number[] = [];
  for (let repeat = 0; repeat < context.repeats; repeat++) {
    const [store, send] = await perSecond(context, plan, repeat);
    stored.push(store);
    sent.push(send);
    context.signal.throwIfAborted();
  }
  const memory = await memoryOfWaiting(context, plan);
  const count = plan.messages.toLocaleString("en");
  return [
    row({
      name: `messages of ${MESSAGE_BYTES} bytes stored, flushed before the answer`,
      ...{ unit: "messages/s", values: stored, target: { atLeast: LEAST_ENQUEUED } },
    }),
    row({
      name: `${count} that wait are sent (the platform takes ${limits.requestsPerSecond.toLocaleString("en")}/s)`,
      // So the platform is what a device waits for.
      ...{ unit: "messages/s", values: sent, target: { atLeast: 2 * limits.requestsPerSecond } },
    }),
    ...(memory === undefined ? [] : memoryRows(memory, plan.waiting.toLocaleString("en"))),
  ];
}

async function perSecond(context: Context, plan: Plan, repeat: number): Promise<[number, number]> {
  const { messages, scripts } = plan;
  const { folder, profiler } = context;
  return withBoth({ folder, scripts, profiler }, `speed-${repeat}`, messages, async (device, sink) => {
    const measured = (order: DeviceOrder) =>
      withUsage({ device: device.pid }, () => device.order(order), { what: order.kind, profiler });
    const storing = await measured({ kind: "enqueue", messages, atOnce: AT_ONCE });
    const stored = storing.result;
    if (stored.pending !== messages) throw new NoResult(`${stored.pending} of ${messages} messages wait`);
    await sink.order({ kind: "acknowledge", now: true });
    const sending = await measured({ kind: "drain" });
    const { messages: arrived } = await sink.order({ kind: "count" });
    if (arrived !== messages) throw new NoResult(`${arrived} of ${messages} messages arrived`);
    const rates = [messages / (stored.ms / 1_000), messages / (sending.result.ms / 1_000)] as [
      number,
      number,
    ];
    const costs = [storing, sending].map(({ usage }) => usage(messages)).join("; ");
    context.progress(`${Math.round(rates[0])}/s stored, ${Math.round(rates[1])}/s sent; ${costs}`);
    return rates;
  });
}

interface WaitingMemory {
  /** Of a process that does nothing. */
  readonly bare: Memory;
  /** Of the one that stored them as fast as it could. */
  readonly storing: Memory;
  /** Of one that was started when they were there, and tries to send them. */
  readonly waiting: Memory;
}

function memoryRows({ bare, storing, waiting }: WaitingMemory, count: string): Row[] {
  const each = (name: string, { own, resident }: Memory) => [
    row({
      ...{ name: `resident memory ${name}`, unit: "MiB", values: [resident], target: { below: MOST_MIB } },
      peer: { name: "bare Node process", values: [bare.resident] },
    }),
    row({
      ...{ name: "the same, without the pages of Node's binary", unit: "MiB", values: [own] },
      peer: { name: "bare Node process", values: [bare.own] },
    }),
  ];
  return [
    ...each(`while ${count} wait`, waiting),
    ...each(`right after ${count} were stored at full speed`, storing),
  ];
}

/** Undefined where the system does not tell. */
async function memoryOfWaiting(context: Context, plan: Plan): Promise<WaitingMemory | undefined> {
  const { waiting, scripts } = plan;
  const { folder } = context;
  const [bare, storing] = await withBoth({ folder, scripts }, "waiting", waiting, async (device, sink) => {
    const idle: SinkWorker = new Worker(fileURLToPath(new URL("./idle-process.js", scripts)));
    await idle.order({ kind: "count" });
    const before = memoryOf(idle.pid);
    await idle.stop();
    const { pending, ms } = await device.order({ kind: "enqueue", messages: waiting, atOnce: AT_ONCE });
    if (pending !== waiting) throw new NoResult(`${pending} of ${waiting} messages wait`);
    context.progress(`${waiting} stored in ${(ms / 1_000).toFixed(1)} s`);
    await sleep(SETTLE_MS);
    await sink.order({ kind: "count" });
    return [before, memoryOf(device.pid)];
  });
  const started = await withBoth({ folder, scripts }, "waiting", waiting, async (device) => {
    await sleep(SETTLE_MS);
    const { pending } = await device.order({ kind: "enqueue", messages: 0, atOnce: 1 });
    if (pending !== waiting) throw new NoResult(`${pending} of ${waiting} messages wait after a restart`);
    return memoryOf(device.pid);
  });
  return bare && storing && started && { bare, storing, waiting: started };
}

type Device = Worker<DeviceOrder, DeviceReport>;
type SinkWorker = Worker<SinkOrder, SinkReport>;

/** A device, and a stand-in for the platform that lets it in and acknowledges nothing yet. */
async function withBoth<T>(
  {
    folder,
    scripts,
    profiler,
  }: { readonly folder: string; readonly scripts: URL; readonly profiler?: Profiler | undefined },
  name: string,
  most: number,
  work: (device: Device, sink: SinkWorker) => Promise<T>,
): Promise<T> {
  const script = (file: string) => fileURLToPath(new URL(file, scripts));
  const sink: SinkWorker = new Worker(script("./sink-process.js"));
  const options = [...NODE_OPTIONS, ...((await profiler?.options("device")) ?? [])];
  const device: Device = new Worker(script("./device-process.js"), options);
  profiler?.started("device", device.pid);
  try {
    await sink.order({ kind: "open", dir: join(folder, `${name}-tls`), most });
    const opened = await sink.order({ kind: "acknowledge", now: false });
    await device.order({ kind: "start", db: join(folder, `${name}.db`), sink: opened });
    const result = await work(device, sink);
    await device.order({ kind: "close" });
    return result;
  } finally {
    await device.stop();
    await sink.stop();
  }
}
