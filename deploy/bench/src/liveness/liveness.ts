import { setTimeout as sleep } from "node:timers/promises";
import { liveness as contract } from "@fieldlog/contracts";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { type Benchmark, type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { type Row, row } from "../frame/result.js";
import { OneService } from "../system/one-service.js";
import { residentMiB } from "../system/process-usage.js";
import { beat, type Fleet, settle } from "./fleet.js";
import { Told } from "./told.js";

/** Two fleets, and what of them is measured. */
export interface Plan {
  readonly many: Fleet;
  /** Those that fall silent beside them. */
  readonly silent: Fleet;
  /** What the many send meanwhile. */
  readonly beatsPerS: number;
}

/** As many heartbeats per second as a million devices send that are to send one in ten minutes. */
const A_MILLION: Plan = {
  many: { namespace: "many", devices: 1_000_000, inactiveAfterS: 86_400 },
  silent: { namespace: "silent", devices: 2_000, inactiveAfterS: 3 },
  beatsPerS: 1_667,
};
/** Counting them takes the process a part of a second. */
const POLL_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/** A million devices on one process. */
export const liveness: Benchmark = {
  name: "liveness",
  connections: 1,
  about: "a million devices on one liveness process: memory, heartbeats, delays, restart",
  run: (context) => livenessRows(context, A_MILLION),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "seconds" | "signal" | "profiler">;

/** Raises NoResult when the log tells of other transitions than there were. */
export async function livenessRows(context: Context, plan: Plan): Promise<Row[]> {
  const stage = await OneService.open("liveness", context);
  try {
    return await measure(context, stage, plan);
  } finally {
    await stage.close();
  }
}

async function measure(context: Context, stage: OneService, plan: Plan): Promise<Row[]> {
  const { progress, signal } = context;
  const { many: fleet, silent: those } = plan;
  // So that there are tables.
  await stage.start();
  await stage.stop();
  await settle(stage.postgres.url, [fleet, those]);
  progress(`${fleet.devices.toLocaleString("en")} devices are registered`);
  await stage.start();
  const client = rpcClient(contract.LivenessService, { address: stage.grpc, token: stage.token });
  const many = new Told(stage.log, fleet.namespace);
  const silent = new Told(stage.log, those.namespace);
  try {
    const beats = () => firstHeartbeats(context, stage, client, fleet, many);
    const { result: first, usage } = await stage.measured("first heartbeats", beats);
    progress(usage(fleet.devices));
    const silence = () => fallSilent(stage, silent, context.seconds, plan);
    const { result: delays, usage: meanwhile } = await stage.measured("some fall silent", silence);
    progress(`delays: ${delays.length}, worst ${Math.max(...delays)} ms; ${meanwhile()}`);
    const resident = residentMiB(stage.pid) ?? Number.NaN;
    signal.throwIfAborted();
    await stage.stop();
    const restart = await stage.start();
    await activeOf(client, fleet);
    progress(`ready again after ${restart.toFixed(1)} s`);
    const after = residentMiB(stage.pid) ?? Number.NaN;
    return [
      row({
        ...{
          name: `resident memory, ${fleet.devices.toLocaleString("en")} devices`,
          unit: "MiB",
          values: [resident],
        },
        target: { below: 1_024 },
      }),
      row({
        ...{ name: "the same after a restart", unit: "MiB", values: [after] },
        target: { below: 1_024 },
      }),
      row({ ...{ name: "restart until it is ready", unit: "s", values: [restart] }, target: { below: 30 } }),
      row({ name: "heartbeats, until they show in answers", unit: "1/s", values: [first.taken] }),
      row({ name: "first heartbeats, until the log tells of each", unit: "1/s", values: [first.told] }),
      row({ name: "silence until the log tells of it, p50", unit: "ms", values: [quantile(delays, 0.5)] }),
      row({ name: "the same, p99", unit: "ms", values: [quantile(delays, 0.99)] }),
      row({
        ...{ name: "the same, worst", unit: "ms", values: [Math.max(...delays)] },
        target: { below: 5_000 },
      }),
    ];
  } finally {
    client.close();
    await many.stop();
    await silent.stop();
  }
}

type Client = RpcClient<typeof contract.LivenessService>;

/** Each device's first: all become active, and the log has to tell of each. */
async function firstHeartbeats(
  { progress }: Context,
  stage: OneService,
  client: Client,
  fleet: Fleet,
  told: Told,
) {
  const begun = performance.now();
  const perSecond = () => fleet.devices / ((performance.now() - begun) / 1_000);
  await beat(stage.log, fleet.namespace, [0, fleet.devices]);
  await activeOf(client, fleet);
  const taken = perSecond();
  progress(`all are active: ${Math.round(taken)} heartbeats/s`);
  await until("the log tells of each", async () => told.active >= fleet.devices);
  if (told.active !== fleet.devices) throw new NoResult(`${told.active} were told to be active`);
  return { taken, told: perSecond() };
}

/** Under the heartbeats of the many, some fall silent; the delays of what the log tells of them, in ms. */
async function fallSilent(
  stage: OneService,
  told: Told,
  seconds: number,
  { many, silent, beatsPerS }: Plan,
): Promise<number[]> {
  const end = performance.now() + Math.max(seconds, 2 * silent.inactiveAfterS) * 1_000;
  await beat(stage.log, silent.namespace, [0, silent.devices]);
  for (let from = 0; performance.now() < end; from = (from + beatsPerS) % (many.devices - beatsPerS)) {
    const second = performance.now() + 1_000;
    await beat(stage.log, many.namespace, [from, from + beatsPerS]);
    await sleep(Math.max(0, second - performance.now()));
  }
  await until("the log tells of those who are silent", async () => told.inactive >= silent.devices);
  if (told.inactive !== silent.devices) throw new NoResult(`${told.inactive} were told to be inactive`);
  return told.delays.toSorted((a, b) => a - b);
}

/** Resolves when all of them count as active. Raises NoResult after minutes. */
export async function activeOf(client: Client, { namespace, devices }: Fleet): Promise<void> {
  await until("all are active", async () => {
    const { counts } = await client.countActive({ namespace, limit: 1 });
    const [count] = counts;
    return (count?.activeMobile ?? 0) + (count?.activeStatic ?? 0) === devices;
  });
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline) throw new NoResult(`not within ${LONGEST_MS / 1_000} s: ${what}`);
    await sleep(POLL_MS);
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
