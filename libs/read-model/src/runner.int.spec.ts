import { randomBytes } from "node:crypto";
import { SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { Registry } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openReadDatabase, type ReadDatabase } from "./database.js";
import { listDeadLetters } from "./dead-letters.js";
import {
  countInLog,
  digest,
  type Notes,
  type NotesOptions,
  notes,
  write,
  writeMany,
} from "./notes.fixture.js";
import { ReadModelRunner } from "./runner.js";

const SCHEMA = "notebook";
let servers: TestServers;
let log: EventLog;
let url: string;
let database: ReadDatabase<Notes>;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});
beforeEach(async () => {
  url = await servers.databaseUrl("notes");
  database = open();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function open(): ReadDatabase<Notes> {
  const opened = openReadDatabase<Notes>({ url, schema: SCHEMA });
  ends.push(() => opened.close());
  return opened;
}

async function run(options: NotesOptions = {}, metrics?: Registry) {
  const runner = new ReadModelRunner({
    ...{ log, database: open(), definition: notes(options) },
    ...(metrics ? { metrics } : {}),
  });
  ends.push(() => runner.stop());
  await runner.start();
  return runner;
}

const caughtUp = async (runner: { waitFor(sequence: number, ms: number): Promise<boolean> }) =>
  expect(await runner.waitFor(await log.lastSequence(SIGNALS), 60_000)).toBe(true);

const count = async () => {
  const row = await database.db
    .selectFrom("notes")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return row.count;
};

const signalsInLog = () => countInLog(log);

describe("a read model", () => {
  it("holds what is in the log, and follows it", async () => {
    await writeMany(log, "follow", 3_000);
    const runner = await run();
    await caughtUp(runner);
    const before = await count();
    const position = await write(log, { identity: "one more" });
    expect(await runner.waitFor(sequenceOf(position), 60_000)).toBe(true);
    expect(await count()).toBe(before + 1);
    expect(await runner.status()).toMatchObject({
      ...{ name: "notes", version: 1, state: "live", parked: 0 },
      sequence: await log.lastSequence(SIGNALS),
    });
    expect(await runner.ready()).toBeUndefined();
  });

  it("applies an identity once, and says in a metric how often it came again", async () => {
    const metrics = new Registry();
    const runner = await run({}, metrics);
    await caughtUp(runner);
    const before = await count();
    await Promise.all([1, 2, 3].map(() => write(log, { identity: "again", device: "resender" })));
    const last = await write(log, { identity: "again", device: "resender", text: "another text" });
    expect(await runner.waitFor(sequenceOf(last), 60_000)).toBe(true);
    expect(await count()).toBe(before + 1);
    const kept = await database.db
      .selectFrom("notes")
      .select("text")
      .where("identity", "=", "again")
      .execute();
    expect(kept).toEqual([{ text: "hello" }]);
    const counts = await database.db
      .selectFrom("counts")
      .selectAll()
      .where("device", "=", "resender")
      .execute();
    expect(counts).toMatchObject([{ count: 1 }]);
    const exposed = await metrics.metrics();
    expect(exposed).toContain('fieldlog_read_model_duplicates_total{service="notebook",model="notes"} 3');
    expect(exposed).toContain(
      `fieldlog_read_model_sequence{service="notebook",model="notes"} ${runner.sequence}`,
    );
    expect(exposed).toContain('fieldlog_read_model_lag_commits{service="notebook",model="notes"} 0');
    expect(exposed).toContain('fieldlog_read_model_state{service="notebook",model="notes",state="live"} 1');
  });

  it("goes on from its checkpoint when its session is killed in the middle of the work", async () => {
    await writeMany(log, "killed", 20_000);
    const runner = await run({ slow: 20 });
    const end = await log.lastSequence(SIGNALS);
    for (let kills = 0; kills < 3; kills++) {
      await runner.waitFor(Math.min(end, runner.sequence + 2), 5_000);
      await database.pool.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'fieldlog notebook notes'",
      );
    }
    await caughtUp(runner);
    expect(await count()).toBe(await signalsInLog());
  });

  it("is written by one of two replicas, and taken over by the other, without doubling", async () => {
    const first = await run();
    await caughtUp(first);
    const second = await run();
    await writeMany(log, "replica-a", 500);
    await caughtUp(second);
    expect(await second.status()).toEqual(await first.status());
    await until("standing by", async () => (await second.ready()) === undefined);
    const writing = writeMany(log, "replica-b", 5_000);
    await first.stop();
    await writing;
    await caughtUp(second);
    const sessions = await database.pool.query(
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = " +
        "(SELECT oid FROM pg_database WHERE datname = current_database())",
    );
    expect(sessions.rows[0].count).toBe(1);
    expect(await count()).toBe(await signalsInLog());
  });

  it("is followed by a replica that stands by, also after that was asked for what it knew already", async () => {
    const active = await run();
    await caughtUp(active);
    const standby = await run();
    expect(await standby.waitFor(0, 60_000)).toBe(true);
    for (const identity of ["standing by 1", "standing by 2"]) {
      const position = await write(log, { identity });
      expect(await standby.waitFor(sequenceOf(position), 60_000)).toBe(true);
      expect(await standby.checkpoint()).toBe(sequenceOf(position));
    }
  });

  it("is built directly at first, and waits for tables of a newer version", async () => {
    const newer = await run({ version: 2 });
    await caughtUp(newer);
    await newer.stop();
    const older = await run({ version: 1 });
    await until("reached", async () => (await older.ready())?.includes("newer program") === true);
    expect((await older.status()).version).toBe(2);
    expect([await older.checkpoint(), await newer.checkpoint()]).toEqual([undefined, newer.sequence]);
  });
});

describe("a record that cannot be applied", () => {
  it("parks its device from there on, and no other; a retry applies what waits in order", async () => {
    const refuses = new Set(["refused"]);
    const metrics = new Registry();
    const runner = await run({ refuses }, metrics);
    await caughtUp(runner);
    const before = await count();
    await write(log, { device: "bad", identity: "p0" });
    const refused = await write(log, { device: "bad", identity: "p1", text: "refused" });
    await Promise.all([
      write(log, { device: "bad", identity: "p2", text: "refused by postgres" }),
      write(log, { device: "good", identity: "p1" }),
      write(log, { device: "worse", identity: "p1", text: "refused by postgres" }),
      write(log, { device: "good", identity: "p2" }),
      write(log, { device: "bad", identity: "p3" }),
    ]);
    await caughtUp(runner);
    expect(await count()).toBe(before + 3);
    const letters = await listDeadLetters(database, 100);
    expect(letters.map(({ key, reason }) => [key, reason.replace(/\(.*/s, "").trim()])).toEqual([
      ["bad", "cannot take refused"],
      ["bad", `waits behind ${refused}`],
      ["bad", `waits behind ${refused}`],
      ["worse", expect.stringContaining("violates check constraint")],
    ]);
    expect(await runner.status()).toMatchObject({ parked: 2, state: "live" });
    expect(await metrics.metrics()).toContain(
      'fieldlog_read_model_parked_devices{service="notebook",model="notes"} 2',
    );

    refuses.clear();
    const bad = { namespace: "test", key: "bad" };
    expect(await runner.retryDeadLetters(bad)).toEqual({ done: 1, remaining: 2 });
    expect(await runner.dropDeadLetters({ namespace: "test", key: "worse" })).toEqual({
      done: 1,
      remaining: 0,
    });
    expect(await runner.dropDeadLetters(bad)).toEqual({ done: 2, remaining: 0 });
    expect(await runner.status()).toMatchObject({ parked: 0 });
    await write(log, { device: "bad", identity: "p4" });
    await write(log, { device: "worse", identity: "p4" });
    await caughtUp(runner);
    expect(await count()).toBe(before + 6);
  });

  it("is set aside whatever its key is, and can be retried and dropped", async () => {
    const runner = await run();
    const namespace = "odd keys";
    const long = randomBytes(8_000).toString("base64");
    await write(log, { namespace, device: long, identity: "o1" });
    await write(log, { namespace, device: "nul\0", identity: "o1" });
    await write(log, { namespace, device: "good", identity: "o1" });
    await caughtUp(runner);
    const letters = (await listDeadLetters(database, 100)).filter((one) => one.namespace === namespace);
    expect(new Map(letters.map(({ key, reason }) => [key, reason]))).toEqual(
      new Map([
        [long, expect.stringContaining("index row")],
        ["nul\uFFFD", expect.stringContaining("invalid byte sequence")],
      ]),
    );
    expect(await runner.retryDeadLetters({ namespace, key: long })).toEqual({ done: 0, remaining: 1 });
    for (const { key } of letters) {
      expect(await runner.dropDeadLetters({ namespace, key })).toEqual({ done: 1, remaining: 0 });
    }
  });

  it("stays parked over a restart, also when another replica is asked to retry", async () => {
    const refuses = new Set(["not yet"]);
    const first = await run({ refuses });
    await caughtUp(first);
    const standby = await run();
    await write(log, { device: "late", identity: "s1", text: "not yet" });
    await write(log, { device: "late", identity: "s2" });
    await caughtUp(first);
    await first.stop();
    const third = await run();
    await write(log, { device: "late", identity: "s3" });
    await caughtUp(third);
    await caughtUp(standby);
    const waiting = (await listDeadLetters(database, 100)).filter(({ key }) => key === "late");
    expect(waiting).toHaveLength(3);
    expect(await third.retryDeadLetters({ namespace: "test", key: "late" })).toEqual({
      done: 3,
      remaining: 0,
    });
    const rows = await database.db
      .selectFrom("notes")
      .select("identity")
      .where("device", "=", "late")
      .execute();
    expect(rows).toHaveLength(3);
  });

  it("is a whole commit where that cannot be decoded", async () => {
    const runner = await run();
    await log.signals.append("other", new Uint8Array([0xff, 0xff, 0xff]));
    await write(log, { namespace: "other", identity: "after it" });
    await caughtUp(runner);
    const letters = (await listDeadLetters(database, 10)).filter((one) => one.namespace === "other");
    expect(letters).toMatchObject([{ key: "", namespace: "other" }]);
    await expect(runner.retryDeadLetters({ namespace: "other", key: "" })).rejects.toThrow(
      "cannot be decoded",
    );
    expect(await runner.dropDeadLetters({ namespace: "other", key: "" })).toEqual({ done: 1, remaining: 0 });
    expect(
      await database.db.selectFrom("notes").select("text").where("namespace", "=", "other").execute(),
    ).toHaveLength(1);
  });
});

describe("a rebuild", () => {
  it("gives identical rows while the live tables are read and written", async () => {
    await writeMany(log, "rebuilt", 20_000);
    const runner = await run();
    await caughtUp(runner);
    const before = await digest(database.db, SCHEMA);
    const rows = await count();
    const oid = async () =>
      (await database.pool.query(`SELECT '${SCHEMA}.notes'::regclass::oid AS oid`)).rows[0].oid;
    const old = await oid();
    let reading = true;
    let reads = 0;
    const reader = (async () => {
      while (reading) {
        expect(await count()).toBeGreaterThanOrEqual(rows);
        reads++;
      }
    })();
    await runner.rebuild();
    await until("reached", async () => (await runner.status()).state === "live");
    reading = false;
    await reader;
    expect(reads).toBeGreaterThan(10);
    expect(await oid()).not.toBe(old);
    expect(await digest(database.db, SCHEMA)).toBe(before);

    await runner.rebuild();
    await writeMany(log, "meanwhile", 5_000);
    await until("reached", async () => (await runner.status()).state === "live");
    await caughtUp(runner);
    expect(await count()).toBe(rows + 5_000);
    const { rows: schemas } = await database.pool.query(
      "SELECT 1 FROM pg_namespace WHERE nspname LIKE '%rebuild'",
    );
    expect(schemas).toEqual([]);
  });

  it("is asked for on any replica", async () => {
    const active = await run();
    await caughtUp(active);
    const standby = await run();
    await caughtUp(standby);
    const before = await database.pool.query(`SELECT '${SCHEMA}.notes'::regclass::oid AS oid`);
    await standby.rebuild();
    await until("reached", async () => (await standby.status()).state === "live");
    const after = await database.pool.query(`SELECT '${SCHEMA}.notes'::regclass::oid AS oid`);
    expect(after.rows[0].oid).not.toBe(before.rows[0].oid);
  });

  it("begins by itself when the definition is newer, and goes on after its replica died", async () => {
    // As many commits as are far from caught up.
    for (let i = 0; i < 100; i++) await writeMany(log, `one-by-one-${i}`, 1);
    const old = await run();
    await caughtUp(old);
    const before = await digest(database.db, SCHEMA);
    await old.stop();
    const dying = await run({ version: 2, slow: 150 });
    await until("reached", async () => ((await dying.status()).rebuildSequence ?? 0) > 0);
    expect(await dying.status()).toMatchObject({ version: 1, state: "rebuilding" });
    // What is built has the index once all is in.
    const indexed = async () => {
      const sql = "SELECT schemaname AS schema FROM pg_indexes WHERE indexname = 'notes_text'";
      return (await database.pool.query(sql)).rows.map(({ schema }) => schema);
    };
    expect(await indexed()).toEqual([SCHEMA]);
    expect(await digest(database.db, SCHEMA)).toBe(before);
    await database.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'fieldlog notebook notes%'",
    );
    await dying.stop();
    const next = await run({ version: 2 });
    await caughtUp(next);
    await until("reached", async () => (await next.status()).state === "live");
    expect(await next.status()).toMatchObject({ version: 2 });
    expect(await indexed()).toEqual([SCHEMA]);
    expect(await digest(database.db, SCHEMA)).toBe(before);
  });
});
