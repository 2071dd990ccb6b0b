import { SIGNALS } from "@fieldlog/contracts";
import { type Commit, connectLog, type EventLog, LogGap } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openReadDatabase } from "./database.js";
import type { ReadableLog } from "./definition.js";
import { countInLog, type Notes, type NotesOptions, notes, write, writeMany } from "./notes.fixture.js";
import { ReadModelRunner } from "./runner.js";
import { openWay } from "./silence.fixture.js";

type Servers = TestServers & { postgres: NonNullable<TestServers["postgres"]> };
let servers: Servers;
let log: EventLog;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  servers = await startServers({ ownPostgres: true });
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function run(url: string, source: ReadableLog = log, options: NotesOptions = {}) {
  const database = openReadDatabase<Notes>({ url, schema: "notebook" });
  const runner = new ReadModelRunner({ log: source, database, definition: notes(options) });
  ends.push(
    () => database.close(),
    () => runner.stop(),
  );
  await runner.start();
  const count = async () => {
    const { rows } = await database.pool.query(
      "SELECT count(*), count(DISTINCT identity) AS once FROM notebook.notes",
    );
    expect(rows[0].once).toBe(rows[0].count);
    return rows[0].count as number;
  };
  return { runner, count };
}

const caughtUp = async ({ runner }: { runner: ReadModelRunner<never> | ReadModelRunner<unknown> }) =>
  until("caught up", async () => runner.waitFor(await log.lastSequence(SIGNALS), 1_000), 30_000);

describe("a read model whose servers fail", () => {
  it("loses and doubles nothing when Postgres is killed under load, again and again", async () => {
    const { runner, count } = await run(await servers.databaseUrl(), log, { slow: 5 });
    let writing = true;
    const load = (async () => {
      for (let i = 0; writing; i++) await writeMany(log, `load${i}-`, 50);
    })();
    for (let kills = 0; kills < 3; kills++) {
      const reached = runner.sequence + 5;
      await until("some progress", () => runner.sequence >= reached);
      await servers.postgres.kill();
      await until("noticed", async () => (await runner.ready())?.includes("away"));
      await servers.postgres.start();
    }
    writing = false;
    await load;
    await caughtUp({ runner });
    expect(await count()).toBe(await countInLog(log));
  });

  it("goes on over another connection when its own ends without a word, also while it waits for the lock", async () => {
    const direct = await servers.databaseUrl();
    const way = await openWay(direct);
    ends.push(async () => way.close());
    const { runner, count } = await run(way.url);
    const standby = await run(way.url);
    await caughtUp({ runner });
    await until("one stands by", async () => (await standby.runner.ready()) === undefined);
    way.silence();
    await write(log, { identity: "after its connection has ended" });
    await until("caught up", async () => runner.waitFor(await log.lastSequence(SIGNALS), 1_000), 60_000);
    await until("both know", async () => (await standby.runner.checkpoint()) === runner.sequence, 60_000);
    expect(await count()).toBe(await countInLog(log));
  }, 150_000);

  it("starts while Postgres is away, and waits for it", async () => {
    const url = await servers.databaseUrl();
    await servers.postgres.kill();
    const { runner, count } = await run(url);
    await until("waiting", async () => (await runner.ready())?.includes("away"));
    expect(await runner.waitFor(1, 50)).toBe(false);
    await servers.postgres.start();
    await caughtUp({ runner });
    expect(await count()).toBe(await countInLog(log));
  });

  it("goes on when NATS was killed and is back", async () => {
    const { runner, count } = await run(await servers.databaseUrl());
    await caughtUp({ runner });
    await servers.nats.kill();
    await servers.nats.start();
    await until("appended", () => write(log, { identity: "after nats came back" }).catch(() => undefined));
    await caughtUp({ runner });
    expect(await count()).toBe(await countInLog(log));
  });
});

describe("a log that was put back to an older state", () => {
  it("stops the read model, which can be built anew of what there is", async () => {
    const url = await servers.databaseUrl();
    await writeMany(log, "older", 2_000);
    const before = await run(url);
    await caughtUp(before);
    await before.runner.stop();
    const end = (await log.lastSequence(SIGNALS)) - 1;
    const older: ReadableLog = {
      lastSequence: async () => end,
      async *read(stream, from) {
        if ((from.after ?? 0) > end) throw new LogGap(stream, from.after ?? 0, end);
        for await (const commits of log.read(stream, from)) {
          const there = commits.filter((one: Commit) => one.sequence <= end);
          if (there.length > 0) yield there;
        }
      },
    };
    const { runner } = await run(url, older);
    await until("stopped", async () => (await runner.status()).state === "stopped");
    await runner.rebuild();
    await until("built anew", async () => (await runner.status()).state === "live");
    expect(await runner.status()).toMatchObject({ sequence: end });
  });
});

describe("a log that lacks a commit", () => {
  it.each([
    ["the log notices", true],
    ["only the runner notices", false],
  ])("stops the read model with the reason, and skips nothing, when %s", async (_, told) => {
    const url = await servers.databaseUrl();
    await writeMany(log, `gap-${told}`, 2_000);
    const missing = (await log.lastSequence(SIGNALS)) - 1;
    const holed: ReadableLog = {
      lastSequence: (stream) => log.lastSequence(stream),
      async *read(stream, from) {
        for await (const commits of log.read(stream, from)) {
          const before = commits.filter((one: Commit) => one.sequence < missing);
          const after = commits.filter((one: Commit) => one.sequence > missing);
          if (before.length > 0) yield before;
          if (after.length > 0 && told) throw new LogGap(stream, missing, missing + 1);
          if (after.length > 0) yield after;
        }
      },
    };
    const { runner } = await run(url, holed);
    await until("stopped", async () => (await runner.status()).state === "stopped");
    expect(await runner.ready()).toContain(`lacks sequence ${missing}`);
    expect(await runner.status()).toMatchObject({
      sequence: missing - 1,
      reason: expect.stringContaining(`lacks sequence ${missing}`),
    });
    await runner.rebuild();
    await until("given up", async () => (await runner.status()).state === "stopped");
    await runner.stop();
    const healed = await run(url);
    await caughtUp(healed);
    expect(await healed.runner.ready()).toBeUndefined();
    expect(await healed.count()).toBe(await countInLog(log));
  });
});
