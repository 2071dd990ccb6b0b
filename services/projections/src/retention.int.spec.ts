import { REGISTRY, SIGNALS, type signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { openReadDatabase } from "@fieldlog/read-model";
import { encoded, startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";
import { Retention } from "./retention/retention.js";
import { logEntries, measurements } from "./signals.fixture.js";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 4, 20, 12);

let servers: TestServers;
let log: EventLog;
let replica: Replica;
let database: pg.Pool;
let url: string;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  url = await servers.databaseUrl("retention");
  database = new pg.Pool({ connectionString: url });
  replica = await startReplica(servers.nats.url, url);
});
afterAll(async () => {
  await database?.end();
  await log?.close();
  await servers?.stop();
});

const append = (namespace: string, signal: signals.Signal) => log.signals.append(namespace, encoded(signal));
const daysAgo = (days: number) => BigInt(NOW - days * DAY_MS);

async function namespace(name: string, retention?: { measurementDays?: number; logDays?: number }) {
  const events = [
    { event: { case: "namespaceCreated" as const, value: { id: `id-${name}`, name } } },
    ...(retention ? [{ event: { case: "retentionChanged" as const, value: retention } }] : []),
  ];
  const decision = { events, decidedAt: 0n, decidedBy: "system" };
  await log.registry.append({ namespace: "_", kind: "namespace", id: name }, decision, 0);
}

/** Measurements and log entries of a device whose clock is right, and one whose clock is not. */
async function report(namespaceId: string, days: number) {
  const receivedAt = daysAgo(days);
  const at = Number(receivedAt) / 1_000;
  await append(namespaceId, measurements("d", [{ at, values: { a: days } }], { receivedAt }));
  await append(namespaceId, measurements("odd", [{ at: 95e9, values: { a: days } }], { receivedAt }));
  const entry = { occurredAt: at, severity: "info", message: String(days) };
  await append(namespaceId, logEntries("d", [entry], { receivedAt, identity: `q/${days}` }));
}

async function left() {
  const { rows } = await database.query<{ what: string; ages: string }>(`
    SELECT what, string_agg(age::text, ',' ORDER BY age) AS ages FROM (
      SELECT namespace || ' measured' AS what, values[1]::int AS age FROM projections.measurements
      UNION ALL SELECT namespace || ' hours', last_value::int FROM projections.measurement_hours
      UNION ALL SELECT namespace || ' logged', message::int FROM projections.log_entries
      UNION ALL SELECT namespace || ' identities', substr(identity, 3)::int FROM projections.reading_identities
    ) AS found GROUP BY what ORDER BY what`);
  return Object.fromEntries(rows.map(({ what, ages }) => [what, ages]));
}

async function partitions(): Promise<string[]> {
  const { rows } = await database.query(`
    SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid
     WHERE relnamespace = 'projections'::regnamespace AND relkind = 'r' ORDER BY relname`);
  return rows.map(({ relname }) => relname);
}

it("of namespaces with a retention only what is younger stays, by when it came; empty partitions go", async () => {
  await namespace("keeper");
  await namespace("mayfly", { measurementDays: 30, logDays: 100 });
  await namespace("elephant", { measurementDays: 1_000 });
  for (const name of ["keeper", "mayfly", "elephant", "unheard-of"]) {
    for (const days of [1, 29, 40, 60, 150]) await report(`id-${name}`, days);
  }
  const alone = { occurredAt: Number(daysAgo(100)) / 1_000, severity: "info", message: "100" };
  await append("id-keeper", logEntries("d", [alone], { receivedAt: daysAgo(100) }));
  const atLeast = BigInt(await log.lastSequence(SIGNALS));
  await replica.client.countValues({ namespace: "", from: 0n, atLeast });
  await replica.client.listConfigurations({
    ...{ namespace: "", limit: 1, atLeast: BigInt(await log.lastSequence(REGISTRY)) },
  });
  expect(await partitions()).toContain("log_entries_2026_02");

  const { logger, metrics } = replica.runtime;
  // Its own retention, which would wait for half a minute, must not be the one that is active.
  await replica.close();
  const read = openReadDatabase<Record<never, never>>({ url, schema: "projections" });
  const rules = { status: async () => ({ state: "live" }) as never };
  const jobs = [0, 0].map((firstMs) => {
    return new Retention({ database: read, rules, logger, metrics, firstMs, now: () => NOW });
  });
  await Promise.all(jobs.map((job) => job.start()));
  const all = "1,1,29,29,40,40,60,60,150,150";
  try {
    await until("forgotten", async () => !(await partitions()).includes("log_entries_2026_02"));
  } finally {
    await Promise.all(jobs.map((job) => job.stop()));
    await read.close();
  }
  const always = { identities: "1,29", logged: "1,29,40" };
  const expected = (name: string, kept: object) => {
    return Object.entries({ ...always, ...kept }).map(([what, ages]) => [`id-${name} ${what}`, ages]);
  };
  expect(await left()).toEqual(
    Object.fromEntries([
      ...expected("keeper", { measured: all, hours: "1,29,40,60,150,150" }),
      // The hour of the clock that is wrong is as young as the newest of its values.
      ...expected("mayfly", { measured: "1,1,29,29", hours: "1,29,150", logged: "1,29,40,60" }),
      ...expected("elephant", { measured: all, hours: "1,29,40,60,150,150", logged: "1,29,40,60,150" }),
      ...expected("unheard-of", { measured: all, hours: "1,29,40,60,150,150" }),
    ]),
  );
  expect(await partitions()).toEqual([
    ...["log_entries_2025_12", "log_entries_2026_03", "log_entries_2026_04", "log_entries_2026_05"],
    ...["log_entries_earlier", "log_entries_later"],
    ...["measurements_2025_12", "measurements_2026_03", "measurements_2026_04", "measurements_2026_05"],
    ...["measurements_earlier", "measurements_later"],
  ]);
  expect(await metrics.metrics()).toMatch(/fieldlog_retention_deleted_rows_total\{table="measurements"\} 6/);
});
