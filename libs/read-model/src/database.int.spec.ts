import { startServers, type TestServers } from "@fieldlog/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openReadDatabase } from "./database.js";
import { isDatabaseAway } from "./failures.js";
import { openWay } from "./silence.fixture.js";

let servers: TestServers;

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

it("survives that a connection breaks between being taken and being used", async () => {
  const errors: Error[] = [];
  const url = await servers.databaseUrl("database");
  const database = openReadDatabase({ url, schema: "public", onError: (error) => errors.push(error) });
  const taken = await database.pool.connect();
  const { rows } = await taken.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  await database.pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
  // Without a listener the broken connection's error would be an uncaught one, and fail the run.
  await expect.poll(() => errors.map((error) => (error as { code?: string }).code)).toContain("57P01");
  taken.release(true);
  expect((await database.pool.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  await database.close();
});

it("gives up a connection that does not answer, but not one whose query Postgres refuses or gives up", async () => {
  const way = await openWay(await servers.databaseUrl("database"));
  const { db, pool, close } = openReadDatabase({ url: way.url, schema: "public", queryTimeoutMs: 100 });
  const backend = async () => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db);
    return rows[0]?.pid;
  };
  const first = await backend();
  await expect(sql`SELECT 1 / 0`.execute(db)).rejects.toThrow("division by zero");
  await expect(sql`SELECT pg_sleep(9)`.execute(db)).rejects.toThrow("statement timeout");
  expect(await backend()).toBe(first);
  way.silence();
  const silent = await backend().catch((error: unknown) => error);
  expect([isDatabaseAway(silent), pool.totalCount]).toEqual([true, 0]);
  expect(await backend()).not.toBe(first);
  await close();
  way.close();
});
