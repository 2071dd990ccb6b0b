import { mkdtemp, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DataDirectoryInUse } from "../process/pid-file.js";
import { PortTaken } from "../process/ports.js";
import { removeCluster } from "./cluster.js";
import { type RunningPostgres, startPostgres } from "./start.js";

describe("PostgreSQL on this machine", () => {
  let dataDir: string;
  let server: RunningPostgres;
  beforeAll(async () => {
    // mkdtemp makes a folder of mode 0700: as root this is the case where the server's user cannot get in.
    dataDir = join(await mkdtemp(join(tmpdir(), "fieldlog-servers-")), "postgres");
    server = await startPostgres({ dataDir });
  });
  afterAll(async () => {
    await server.stop();
    await removeCluster(dataDir);
    await removeCluster(join(dataDir, ".."));
  });

  it("does not run as root", async () => {
    expect((await query(server.url, "select current_user as name"))[0]).toEqual({ name: "fieldlog" });
    expect((await stat(`/proc/${server.pid}`).catch(() => ({ uid: -1 }))).uid).not.toBe(0);
  });

  it("keeps its password in a file that only its owner reads", async () => {
    expect((await stat(join(dataDir, "password"))).mode & 0o777).toBe(0o600);
    const wrong = new URL(server.url);
    wrong.password = "wrong";
    await expect(query(wrong.href, "select 1")).rejects.toMatchObject({ code: "28P01" });
  });

  it("flushes each transaction by default", async () => {
    expect(await query(server.url, "show synchronous_commit")).toEqual([{ synchronous_commit: "on" }]);
    expect(await query(server.url, "show data_checksums")).toEqual([{ data_checksums: "on" }]);
  });

  it("has what was committed after a kill -9, on the same port", async () => {
    await query(server.url, "create table kept as select generate_series(1, 1000) as n");
    const before = server.url;
    await server.kill();
    expect(server.pid).toBe(0);
    await expect(query(before, "select 1")).rejects.toThrow();
    await server.start();
    expect(server.url).toBe(before);
    expect(await query(server.url, "select count(*)::int as n from kept")).toEqual([{ n: 1000 }]);
  });

  it("can hang with its sessions, and go on", async () => {
    const session = new pg.Client({ connectionString: server.url });
    await session.connect();
    await server.pause();
    const answers = [session.query("select 1"), query(server.url, "select 1")];
    expect(await Promise.race([...answers, sleep(300, "nothing")])).toBe("nothing");
    await server.resume();
    await Promise.all(answers);
    await session.end();
  });

  it("refuses a second server on the same data while the first one runs", async () => {
    await expect(startPostgres({ dataDir })).rejects.toThrow(DataDirectoryInUse);
  });

  it("names the port that is taken", async () => {
    const port = Number(new URL(server.url).port);
    const other = join(dataDir, "..", "other");
    await expect(startPostgres({ dataDir: other, port })).rejects.toEqual(new PortTaken("PostgreSQL", port));
  });

  it("stops with sessions open, and a second start finds data and password again", async () => {
    const session = new pg.Client({ connectionString: server.url });
    session.on("error", () => undefined);
    await session.connect();
    await server.stop();
    const url = new URL(server.url);
    const blocker = createServer().listen(Number(url.port), "127.0.0.1");
    server = await startPostgres({ dataDir });
    blocker.close();
    expect(new URL(server.url).password).toBe(url.password);
    expect(await query(server.url, "select count(*)::int as n from kept")).toEqual([{ n: 1000 }]);
  });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
