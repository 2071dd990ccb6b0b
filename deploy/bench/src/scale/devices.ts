import { liveness } from "@fieldlog/contracts";
import { rpcClient } from "@fieldlog/rpc";
import { type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { curves } from "../frame/names.js";
import { point, type Row } from "../frame/result.js";
import { beat, type Fleet, settle } from "../liveness/fleet.js";
import { activeOf } from "../liveness/liveness.js";
import { OneService } from "../system/one-service.js";
import { residentMiB } from "../system/process-usage.js";

const ALONG = "devices";

/** One liveness process with ever more devices: each sends a heartbeat, then the process is started again. */
export async function deviceCurves(
  { folder, progress, signal }: Pick<BenchmarkContext, "folder" | "progress" | "signal">,
  steps: readonly number[],
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const x of steps) {
    signal.throwIfAborted();
    const stage = await OneService.open("liveness", { folder: `${folder}/devices-${x}`, progress });
    try {
      rows.push(...(await measure(stage, { namespace: "many", devices: x, inactiveAfterS: 86_400 })));
      progress(
        `${x} devices: ${rows
          .slice(-3)
          .map(({ name, value, unit }) => `${name}: ${value.toFixed(1)} ${unit}`)
          .join(", ")}`,
      );
    } finally {
      await stage.close();
    }
  }
  return rows;
}

async function measure(stage: OneService, fleet: Fleet): Promise<Row[]> {
  const x = fleet.devices;
  await stage.start();
  await stage.stop();
  await settle(stage.postgres.url, [fleet]);
  await stage.start();
  const client = rpcClient(liveness.LivenessService, { address: stage.grpc, token: stage.token });
  try {
    const begun = performance.now();
    await beat(stage.log, fleet.namespace, [0, x]);
    await activeOf(client, fleet);
    const perSecond = x / ((performance.now() - begun) / 1_000);
    const resident = residentMiB(stage.pid);
    await stage.stop();
    const restart = await stage.start();
    await activeOf(client, fleet);
    if (resident === undefined) throw new NoResult("this system does not tell how much memory a process has");
    const curve = (series: string) => ({ series, along: ALONG, x });
    return [
      point(curve(curves.livenessMemory), { unit: "MiB", values: [resident] }),
      point(curve(curves.livenessRestart), { unit: "s", values: [restart] }),
      // Of few, it is the time until they are looked at.
      ...(x < 10_000 ? [] : [point(curve(curves.livenessBeats), { unit: "1/s", values: [perSecond] })]),
    ];
  } finally {
    client.close();
  }
}
