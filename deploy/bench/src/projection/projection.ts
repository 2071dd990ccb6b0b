import { SIGNALS } from "@fieldlog/contracts";
import type { Benchmark, BenchmarkContext } from "../frame/benchmark.js";
import { INTO_TABLES } from "../frame/names.js";
import { type Row, row } from "../frame/result.js";
import { plainCopy } from "../ingest/copy.js";
import { OneService } from "../system/one-service.js";
import { fill, type KindName } from "./signals.js";
import { openProjections, rateUpTo, statusOf } from "./watch.js";

export interface ProjectionPlan {
  /** In the log before the tables are built, of each kind. */
  readonly signals: number;
  readonly kinds: readonly KindName[];
  /** Times that each is built before it counts: for the disk's and the system's caches. */
  readonly warmUps: number;
}

interface Model {
  readonly kind: KindName;
  /** The read model that has its rows, and in which table. */
  readonly name: string;
  readonly table: string;
}

const MODELS: readonly Model[] = [
  { kind: "events", name: "events", table: "events" },
  { kind: "measurements", name: "readings", table: "measurements" },
  { kind: "messages", name: "messages", table: "messages" },
];

const PLAN: ProjectionPlan = { signals: 400_000, kinds: MODELS.map(({ kind }) => kind), warmUps: 1 };

/** How fast each read model goes through a log of what it keeps. */
export const projection: Benchmark = {
  name: "projection",
  connections: 1,
  about:
    "the read models of events, measurements and messages, each through a log of its own; beside a plain COPY",
  run: (context) => projectionRows(context, PLAN),
};

type Context = Pick<BenchmarkContext, "folder" | "progress" | "repeats" | "signal" | "profiler">;

/** Raises NoResult when a table does not hold a row of each signal. */
export async function projectionRows(context: Context, plan: ProjectionPlan): Promise<Row[]> {
  const rows: Row[] = [];
  for (const model of MODELS.filter(({ kind }) => plan.kinds.includes(kind))) {
    const folder = `${context.folder}/${model.kind}`;
    const stage = await OneService.open("projections", { ...context, folder });
    try {
      rows.push(await measure(context, stage, model, plan));
    } finally {
      await stage.close();
    }
  }
  return rows;
}

async function measure(
  context: Context,
  stage: OneService,
  model: Model,
  plan: ProjectionPlan,
): Promise<Row> {
  const { kind, name, table } = model;
  const { progress, repeats, signal } = context;
  const { signals: count, warmUps } = plan;
  await fill(stage.log, kind, count);
  const last = await stage.log.lastSequence(SIGNALS);
  progress(`${count} ${kind} are in the log, in ${last} commits`);
  const values: number[] = [];
  let database = "";
  for (let repeat = -warmUps; repeat < repeats; repeat++) {
    database = await stage.freshDatabase();
    await stage.start(database);
    const client = openProjections(stage);
    try {
      const look = async () => Number((await statusOf(client, name))?.sequence ?? 0);
      // Commits are as large as each other, but for the first few.
      const work = () => rateUpTo(last, (sequence) => (sequence / last) * count, look, signal);
      const { result: rate, usage } = await stage.measured(kind, work);
      progress(`${kind}: ${Math.round(rate)}/s; ${usage(count)}`);
      if (repeat >= 0) values.push(rate);
    } finally {
      client.close();
      await stage.stop();
    }
  }
  const copy = await plainCopy(database, repeats, { schema: "projections", table }, count);
  progress(`${kind}: plain COPY ${copy.map(Math.round).join(", ")} rows/s`);
  return row({
    name: `${kind}${INTO_TABLES}`,
    unit: "signals/s",
    values,
    peer: { name: "plain COPY", values: copy },
    ...(kind === "events" && { target: { atLeast: 25_000, ratio: 0.4 } }),
  });
}
