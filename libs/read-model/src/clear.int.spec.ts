import { SIGNALS, signalsSubject } from "@fieldlog/contracts";
import { type ClearedPart, connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openReadDatabase, type ReadDatabase } from "./database.js";
import { listDeadLetters } from "./dead-letters.js";
import { digest, type Notes, notes, write, writeMany } from "./notes.fixture.js";
import { ReadModelRunner } from "./runner.js";

const SCHEMA = "notebook";
let servers: TestServers;
let log: EventLog;
let database: ReadDatabase<Notes>;
let runner: ReadModelRunner<unknown>;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  database = openReadDatabase<Notes>({ url: await servers.databaseUrl("notes"), schema: SCHEMA });
  runner = new ReadModelRunner<unknown>({
    log,
    database,
    definition: notes({ refuses: new Set(["refused"]) }),
  });
  await runner.start();
  await until("the tables are there", async () => (await runner.ready()) === undefined);
});
afterAll(async () => {
  await runner?.stop();
  await database?.close();
  await log?.close();
  await servers?.stop();
});

async function caughtUp(): Promise<void> {
  expect(await runner.waitFor(await log.lastSequence(SIGNALS), 60_000)).toBe(true);
}

async function rebuilt(): Promise<void> {
  await runner.rebuild();
  await until("rebuilt", async () => (await runner.status()).state === "live");
  await caughtUp();
}

/** As the service does it; what is erased of a device cannot be purged from SIGNALS. */
async function clear(cleared: ClearedPart): Promise<void> {
  const registryBefore = await log.clearings.record(cleared, "test");
  const signalsBefore = await log.clearings.mark(cleared);
  await log.clearings.record({ ...cleared, signalsBefore, registryBefore }, "test");
  if (cleared.device === undefined) {
    await log.clearings.purge(SIGNALS, signalsSubject(cleared.namespace), signalsBefore);
  }
}

/** What is there of a namespace, and what waits, without the places in the log. */
async function there(namespace: string) {
  const rows = await database.db
    .selectFrom("notes")
    .select(["device", "identity"])
    .where("namespace", "=", namespace)
    .orderBy("position")
    .execute();
  const counts = await database.db
    .selectFrom("counts")
    .select(["device", "count"])
    .where("namespace", "=", namespace)
    .orderBy("device")
    .execute();
  const letters = (await listDeadLetters(database, 10_000)).filter((one) => one.namespace === namespace);
  return {
    notes: rows.map(({ device, identity }) => `${device} ${identity}`),
    counts: counts.map(({ device, count }) => `${device} ${count}`),
    parked: letters.map(({ key }) => key),
  };
}

type Step = {
  ns: string;
  device: string;
  does: "write" | "refuse" | "clear" | "erase" | "settle";
  id: number;
};

const step: fc.Arbitrary<Step> = fc.record({
  ns: fc.constantFrom("one", "two"),
  device: fc.constantFrom("d1", "d2", "d3"),
  does: fc.oneof(
    { weight: 12, arbitrary: fc.constant("write" as const) },
    { weight: 2, arbitrary: fc.constant("refuse" as const) },
    { weight: 2, arbitrary: fc.constant("clear" as const) },
    { weight: 2, arbitrary: fc.constant("erase" as const) },
    { weight: 1, arbitrary: fc.constant("settle" as const) },
  ),
  // Few, so that identities come again, also those that were cleared.
  id: fc.nat(8),
});

/** The steps of a namespace that a log has which never held what was cleared. */
function kept(steps: readonly Step[]): Step[] {
  let left: Step[] = [];
  for (const one of steps) {
    if (one.does === "clear") left = [];
    else if (one.does === "erase") left = left.filter(({ device }) => device !== one.device);
    else if (one.does !== "settle") left.push(one);
  }
  return left;
}

function expected(steps: readonly Step[]) {
  const written: string[] = [];
  const parked = new Map<string, number>();
  for (const { device, id, does } of kept(steps)) {
    if (parked.has(device) || does === "refuse") parked.set(device, (parked.get(device) ?? 0) + 1);
    else if (!written.includes(`${device} ${id}`)) written.push(`${device} ${id}`);
  }
  const devices = [...new Set(written.map((one) => one.slice(0, 2)))].sort();
  return {
    notes: written,
    counts: devices.map((one) => `${one} ${written.filter((note) => note.startsWith(one)).length}`),
    parked: [...parked].sort().flatMap(([device, count]) => Array.from({ length: count }, () => device)),
  };
}

let runs = 0;

describe("a read model of which a part was cleared", () => {
  it("has what a log gives that never held that part, at once and when it is built anew", async () => {
    const check = async (steps: Step[]) => {
      const own = (ns: string) => `${ns}-${runs}`;
      runs++;
      for (const { ns, device, does, id } of steps) {
        const namespace = own(ns);
        if (does === "write") await write(log, { namespace, device, identity: String(id) });
        else if (does === "refuse")
          await write(log, { namespace, device, identity: String(id), text: "refused" });
        else if (does === "clear") await clear({ namespace });
        else if (does === "erase") await clear({ namespace, device });
        else await caughtUp();
      }
      await caughtUp();
      for (const ns of ["one", "two"]) {
        const wanted = expected(steps.filter((one) => one.ns === ns));
        expect(await there(own(ns))).toEqual(wanted);
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), check), { numRuns: 40 });
    const before = await digest(database.db, SCHEMA);
    const letters = (await listDeadLetters(database, 10_000)).map(({ parkedAt: _, ...one }) => one);
    await rebuilt();
    expect(await digest(database.db, SCHEMA)).toBe(before);
    expect((await listDeadLetters(database, 10_000)).map(({ parkedAt: _, ...one }) => one)).toEqual(letters);
  });

  it("goes on over what is purged before it was read, while it is read and while it is built anew", async () => {
    const filling = writeMany(log, "other", 3_000);
    for (let i = 0; i < 500; i++) await write(log, { namespace: "short", device: "d", identity: String(i) });
    await runner.rebuild();
    await clear({ namespace: "short" });
    await write(log, { namespace: "short", device: "d", identity: "new" });
    await filling;
    await until("rebuilt", async () => (await runner.status()).state === "live");
    await caughtUp();
    expect((await there("short")).notes).toEqual(["d new"]);
    expect((await there("test")).notes).toHaveLength(3_000);
    expect(await runner.status()).toMatchObject({ state: "live" });
  });

  it("forgets a key's dead letters that an operator has applied again meanwhile", async () => {
    const cleared = { namespace: "retried" };
    await write(log, { ...cleared, device: "d", identity: "1", text: "refused" });
    await write(log, { ...cleared, device: "d", identity: "2" });
    await caughtUp();
    expect((await there("retried")).parked).toEqual(["d", "d"]);
    const [, retried] = await Promise.allSettled([
      clear(cleared),
      runner.retryDeadLetters({ ...cleared, key: "d" }),
    ]);
    expect(retried.status).toBe("fulfilled");
    await caughtUp();
    expect(await there("retried")).toEqual({ notes: [], counts: [], parked: [] });
    await write(log, { ...cleared, device: "d", identity: "3" });
    await caughtUp();
    expect((await there("retried")).notes).toEqual(["d 3"]);
  });
});
