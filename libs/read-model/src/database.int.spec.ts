import { startServers, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openReadDatabase } from "./database.js";

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
