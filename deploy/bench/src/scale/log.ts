import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SIGNALS } from "@fieldlog/contracts";
import pg from "pg";
import { type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import { curves } from "../frame/names.js";
import { point, type Row } from "../frame/result.js";
import { percentile } from "../frame/statistics.js";
import { rebuilt } from "../projection/rebuild.js";
import { fill, NAMESPACE } from "../projection/signals.js";
import { openProjections, type Projections, statusOf } from "../projection/watch.js";
import { OneService } from "../system/one-service.js";

const ALONG = "events in the log";
const PAGES = 300;
const PAGE = 20;
/** From this length on, a rebuild takes longer than the others together. */
const LONGEST_REBUILT = 10_000_000;
/** Seconds that the tables may take to follow, whatever the length. */
const FOLLOW_S = 60 * 60;

type Context = Pick<BenchmarkContext, "folder" | "progress" | "signal">;

/** One log that grows, with the read models that follow it. Raises NoResult. */
export async function logCurves(context: Context, steps: readonly number[]): Promise<Row[]> {
  const folder = `${context.folder}/log`;
  const stage = await OneService.open("projections", { ...context, folder });
  const rows: Row[] = [];
  try {
    await stage.start();
    let from = 0;
    for (const x of steps) {
      rows.push(...(await measure(context, stage, folder, [from, x])));
      from = x;
    }
    return rows;
  } finally {
    await stage.close();
  }
}

async function measure(
  { progress, signal }: Context,
  stage: OneService,
  folder: string,
  [from, x]: readonly [number, number],
): Promise<Row[]> {
  await fill(stage.log, "events", x, from);
  const last = await stage.log.lastSequence(SIGNALS);
  progress(`${x.toLocaleString("en")} events are in the log`);
  const following = openProjections(stage);
  await followed(following, last, signal);
  following.close();
  await stage.stop();
  const restart = await stage.start();
  const client = openProjections(stage);
  try {
    await followed(client, last, signal);
    const newest = await pages(client, () => ({ newest: true }));
    const older = await pages(client, (share) => ({ after: BigInt(Math.floor(share * last)) * 4096n }));
    const logBytes = await bytesIn(join(folder, "nats"));
    const tableBytes = await databaseBytes(stage.postgres.url);
    const curve = (series: string) => ({ series, along: ALONG, x });
    const rows = [
      point(curve(curves.restart), { unit: "s", values: [restart] }),
      point(curve(curves.newestPage), { unit: "ms", values: [newest] }),
      point(curve(curves.anyPage), { unit: "ms", values: [older] }),
      ...(x < 10_000
        ? []
        : [
            point(curve(curves.logBytes), { unit: "B", values: [logBytes / x] }),
            point(curve(curves.tableBytes), { unit: "B", values: [tableBytes / x] }),
          ]),
    ];
    if (x >= 100_000 && x <= LONGEST_REBUILT) {
      const rate = await rebuilt(client, last, (sequence) => (sequence / last) * x, signal);
      rows.push(point(curve(curves.rebuilt), { unit: "events/s", values: [rate] }));
    }
    progress(
      rows.map(({ curve: of, value, unit }) => `${of?.series} ${value.toFixed(1)} ${unit}`).join("; "),
    );
    return rows;
  } finally {
    client.close();
  }
}

async function followed(client: Projections, last: number, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + FOLLOW_S * 1_000;
  for (;;) {
    const status = await statusOf(client, "events");
    if (status !== undefined && Number(status.sequence) >= last) return;
    if (performance.now() > deadline) throw new NoResult("the read model does not reach the end of the log");
    // A look asks Postgres and the log of each read model, and most of the way is long.
    await sleep(1_000, undefined, { signal });
  }
}

/** Milliseconds, p99, one after the other; `ask` is given a share of the way along the log. */
async function pages(
  client: Projections,
  ask: (share: number) => { newest?: boolean; after?: bigint },
): Promise<number> {
  const taken: number[] = [];
  for (let count = 0; count < PAGES; count++) {
    const begun = performance.now();
    // The golden ratio's multiples are spread evenly, and in no order.
    const { events } = await client.listEvents({
      namespace: NAMESPACE,
      limit: PAGE,
      ...ask((count * 0.618034) % 0.99),
    });
    taken.push(performance.now() - begun);
    if (events.length !== PAGE) throw new NoResult(`a page of ${events.length} events`);
  }
  return percentile(
    taken.sort((a, b) => a - b),
    0.99,
  );
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  // The server may remove a file meanwhile.
  const sizes = await Promise.all(
    files.map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function databaseBytes(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ bytes: string }>(
      "SELECT pg_database_size(current_database()) AS bytes",
    );
    return Number(rows[0]?.bytes);
  } finally {
    await client.end();
  }
}
