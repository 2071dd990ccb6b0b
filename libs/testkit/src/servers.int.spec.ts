import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServers, type TestServers } from "./servers.js";

describe("the servers of a test file", () => {
  let servers: TestServers;
  beforeAll(async () => {
    servers = await startServers();
  });
  afterAll(() => servers.stop());

  it("give each caller a database that is empty and its own", async () => {
    const [a, b] = [await servers.databaseUrl("one"), await servers.databaseUrl()];
    await query(a, "create table t (n int)");
    expect(await query(b, "select to_regclass('t') as t")).toEqual([{ t: null }]);
  });

  it("include a NATS server whose JetStream flushes each write", async () => {
    const answer = await fetch(`${servers.nats.monitorUrl}/jsz`);
    expect(await answer.json()).toMatchObject({ config: { sync_always: true }, streams: 0 });
  });

  it("share one PostgreSQL within a run, which no test can kill", () => {
    expect(servers.postgres).toBeUndefined();
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
