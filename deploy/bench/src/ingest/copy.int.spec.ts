import { startServers, type TestServers } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EVENTS_TABLE, plainCopy } from "./copy.js";

let servers: TestServers;
beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());

it("copies the rows into a table of the same kind, once per repeat, and leaves nothing behind", async () => {
  const databaseUrl = await servers.databaseUrl("copy");
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { schema, table } = EVENTS_TABLE;
    await client.query(`create schema ${schema}`);
    await client.query(`create table ${schema}.${table} (position bigint primary key, data text)`);
    await client.query(
      `insert into ${schema}.${table} select n, 'row ' || n from generate_series(1, 5000) n`,
    );
    const rates = await plainCopy(databaseUrl, 2);
    expect(rates).toHaveLength(2);
    for (const rate of rates) expect(rate).toBeGreaterThan(100);
    const { rows } = await client.query("select to_regclass('bench_copy') as left_over");
    expect(rows).toEqual([{ left_over: null }]);
  } finally {
    await client.end();
  }
});
