import { join } from "node:path";
import { removeCluster, startPostgres } from "@fieldlog/servers";
import type { Benchmark, BenchmarkContext } from "../frame/benchmark.js";
import { SIGNED_EVENT } from "../frame/names.js";
import { type Row, row } from "../frame/result.js";
import { median } from "../frame/statistics.js";
import { startBareServer } from "../system/bare.js";
import { catchUp } from "./catch-up.js";
import { plainCopy } from "./copy.js";
import { IDLE_CONNECTIONS, idleMemory } from "./idle.js";
import { Stage } from "./stage.js";

interface Figures {
  readonly bare: number[];
  readonly peak: number[];
  readonly ungrouped: number[];
  readonly p50Ms: number[];
  readonly p99Ms: number[];
  readonly readModel: number[];
  readonly copy: number[];
  /** At full load while the read model follows. */
  readonly followed: number[];
  readonly idleMiB: number | undefined;
}

/** One signed event after the other over HTTP, into the flushed log and on into the read model. */
export const ingest: Benchmark = {
  name: "ingest",
  connections: 64,
  about:
    "signed CSN events over HTTP into the flushed log and on into the read model; beside a bare node:http " +
    "server, one publish per event, and a plain COPY",
  run: async (context) => {
    const clusterFolder = join(context.folder, "postgres");
    const postgres = await startPostgres({ dataDir: clusterFolder });
    const bare = await startBareServer();
    try {
      return await Stage.with(context, bare, { name: "single", commit: "single", postgres }, (single) =>
        Stage.with(context, bare, { name: "grouped", commit: "group", postgres }, async (grouped) =>
          rows(await measure(grouped, single)),
        ),
      );
    } finally {
      await bare.stop();
      await postgres.stop();
      await removeCluster(clusterFolder);
    }
  },
};

/** Both systems run all the time, so that what is compared is measured one right after the other. */
async function measure(grouped: Stage, single: Stage): Promise<Figures> {
  const { context, system } = grouped;
  // A process that has registered devices, or held idle connections, still carries what that left behind.
  await system.restartEdge();
  const idleMiB = await idleMemory(grouped);
  await system.restartEdge();
  await single.warmUp();
  await grouped.warmUp();

  const bare: number[] = [];
  const peak: number[] = [];
  const ungrouped: number[] = [];
  await times(context, async () => {
    await grouped.prepare();
    bare.push((await grouped.bareRun()).perSecond);
    peak.push((await grouped.peakRun("group commit")).perSecond);
    await single.prepare();
    ungrouped.push((await single.peakRun("one publish per event")).perSecond);
  });
  await single.verifyLog();

  const p50Ms: number[] = [];
  const p99Ms: number[] = [];
  await times(context, async () => {
    const report = await grouped.steadyRun(median(peak) / 2);
    p50Ms.push(report.p50Ms);
    p99Ms.push(report.p99Ms);
  });

  const { upTo } = await grouped.verifyLog();
  const readModel: number[] = [];
  let databaseUrl = "";
  await times(context, async () => {
    databaseUrl = await system.freshDatabase();
    const { perSecond, seconds } = await catchUp(system, databaseUrl, upTo);
    context.progress(`read model: ${Math.round(perSecond)} events/s for ${seconds.toFixed(1)} s`);
    readModel.push(perSecond);
    await system.stopService("projections");
  });
  const copy = await plainCopy(databaseUrl, context.repeats);
  context.progress(`plain COPY: ${copy.map(Math.round).join(", ")} rows/s`);

  await system.startProjections(databaseUrl);
  const followed: number[] = [];
  await times(context, async () => {
    await grouped.prepare();
    followed.push((await grouped.peakRun("group commit, read model following")).perSecond);
  });
  await grouped.verifyLog();
  return { bare, peak, ungrouped, p50Ms, p99Ms, readModel, copy, followed, idleMiB };
}

async function times({ repeats }: BenchmarkContext, work: () => Promise<void>): Promise<void> {
  for (let repeat = 0; repeat < repeats; repeat++) await work();
}

function rows(figures: Figures): Row[] {
  const { bare, peak, ungrouped, p50Ms, p99Ms, readModel, copy, followed, idleMiB } = figures;
  const unit = "events/s";
  return [
    row({
      name: SIGNED_EVENT,
      unit,
      values: peak,
      peer: { name: "bare node:http server", values: bare },
      target: { ratio: 0.5 },
    }),
    row({
      name: "the same, group commit",
      unit,
      values: peak,
      peer: { name: "one publish per event", values: ungrouped },
      target: { ratio: 5 },
    }),
    row({
      name: "the same, while the read model follows",
      unit,
      values: followed,
      peer: { name: "without the read model", values: peak },
    }),
    row({ name: "answer at half of that rate, p50", unit: "ms", values: p50Ms }),
    row({ name: "answer at half of that rate, p99", unit: "ms", values: p99Ms, target: { below: 25 } }),
    row({
      name: "read model catching up",
      unit,
      values: readModel,
      peer: { name: "plain COPY", values: copy },
      target: { atLeast: 25_000, ratio: 0.4 },
    }),
    ...(idleMiB === undefined
      ? []
      : [
          row({
            name: `edge-http with ${IDLE_CONNECTIONS.toLocaleString("en")} idle connections`,
            unit: "MiB",
            values: [idleMiB],
            target: { below: 300 },
          }),
        ]),
  ];
}
