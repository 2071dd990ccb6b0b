import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { defaultCacheDir } from "../cache-dir.js";
import { processIdentity } from "../process/identity.js";
import { DataDirectoryInUse } from "../process/pid-file.js";
import { PortTaken } from "../process/ports.js";
import { startNatsCluster } from "./cluster.js";
import { obtainNatsServer } from "./obtain/obtain.js";
import { roomFor } from "./room.js";
import { type RunningNats, startNats } from "./start.js";

describe("NATS on this machine", () => {
  let dir: string;
  let server: RunningNats;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "fieldlog-servers-"));
    server = await startNats({ dataDir: join(dir, "nats") });
  });
  afterAll(async () => {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("flushes each write before it acknowledges", async () => {
    const answer = await fetch(`${server.monitorUrl}/jsz`);
    expect(await answer.json()).toMatchObject({ config: { sync_always: true } });
  });

  it("may take up three quarters of the disk, what it holds already counted in", async () => {
    const store = join(dir, "room", "store");
    expect(await roomFor(store, async () => 40_000_000)).toBe(30_000_000);
    await mkdir(join(store, "streams"), { recursive: true });
    await writeFile(join(store, "streams", "1.blk"), Buffer.alloc(4 * 1024 * 1024, 1));
    const room = await roomFor(store, async () => 40_000_000 - 4 * 1024 * 1024);
    expect(room).toBe(30_000_000);
    const answer = await fetch(`${server.monitorUrl}/jsz`);
    const [, told] =
      /max_file_store: (\d+)/.exec(await readFile(join(dir, "nats", "nats.conf"), "utf8")) ?? [];
    expect(await answer.json()).toMatchObject({ config: { max_storage: Number(told) } });
  });

  it("lets nobody in without the password, which only its owner reads", async () => {
    expect((await stat(join(dir, "nats", "nats.conf"))).mode & 0o777).toBe(0o600);
    const wrong = new URL(server.url);
    wrong.password = "wrong";
    await expect(session(wrong.href).ask("PING")).resolves.toContain("Authorization Violation");
  });

  it("has what it acknowledged after a kill -9, on the same ports", async () => {
    const first = session(server.url);
    await first.request("$JS.API.STREAM.CREATE.T", '{"name":"T","subjects":["t"],"storage":"file"}');
    for (let n = 1; n <= 100; n++) expect(await first.request("t", `message ${n}`)).toContain(`"seq":${n}`);
    const { url } = server;
    await server.kill();
    expect(server.pid).toBe(0);
    await server.start();
    expect(server.url).toBe(url);
    expect(await session(url).request("$JS.API.STREAM.INFO.T", "")).toContain('"messages":100');
  });

  it("can hang and go on", async () => {
    server.pause();
    const answer = session(server.url).request("$JS.API.STREAM.INFO.T", "");
    expect(await Promise.race([answer, sleep(300, "nothing")])).toBe("nothing");
    server.resume();
    expect(await answer).toContain('"messages":100');
  });

  it("refuses a second server on the same data while the first one runs", async () => {
    await expect(startNats({ dataDir: join(dir, "nats") })).rejects.toThrow(DataDirectoryInUse);
  });

  it("names the port that is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(startNats({ dataDir: join(dir, "other"), port })).rejects.toEqual(
      new PortTaken("NATS", port),
    );
  });

  it("ends with a starter that is killed, also while it hangs, and a next start finds the data", async () => {
    await server.stop();
    const starter = spawn(process.execPath, ["--input-type=module", "-e", starterScript(join(dir, "nats"))], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<number>((resolve) =>
      starter.stdout.on("data", (said) => resolve(Number(said))),
    );
    expect(await processIdentity(pid)).toBeDefined();
    process.kill(pid, "SIGSTOP");
    starter.kill("SIGKILL");
    await once(starter, "exit");
    await vi.waitFor(async () => expect(await processIdentity(pid)).toBeUndefined(), { timeout: 30_000 });
    server = await startNats({ dataDir: join(dir, "nats") });
    expect(await session(server.url).request("$JS.API.STREAM.INFO.T", "")).toContain('"messages":100');
    const kept = JSON.parse(await readFile(join(dir, "nats", "nats.pid"), "utf8"));
    expect(kept.pid).toBe(server.pid);
  });
});

describe("a cluster of three", () => {
  it("keeps what it acknowledged while one server after the other is killed", async () => {
    const dir = await mkdtemp(join(tmpdir(), "fieldlog-servers-"));
    // Nothing is refused here, so that the one for a single server will do, which is there already.
    const binary = await obtainNatsServer({ cacheDir: defaultCacheDir(), progress: () => undefined });
    const servers = await startNatsCluster({ dataDir: dir, size: 3, binary });
    try {
      const anyOf = (up: number) => session(servers[up % 3]?.url ?? "");
      const made = await anyOf(0).request(
        "$JS.API.STREAM.CREATE.T",
        '{"name":"T","subjects":["t"],"storage":"file","num_replicas":3}',
      );
      expect(made).toContain('"num_replicas":3');
      for (const [n, server] of servers.entries()) {
        await server.kill();
        const taken = async () => {
          const answer = anyOf(n + 1).request("t", `message ${n}`);
          expect(await Promise.race([answer, sleep(3_000, "nothing")])).toMatch(/"seq":\d/);
        };
        // A leader is chosen first.
        await vi.waitFor(taken, { timeout: 90_000 });
        await server.start();
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
      await rm(dir, { recursive: true, force: true });
    }
  });

  it("has no ways between its servers but those that it was given", async () => {
    const dir = await mkdtemp(join(tmpdir(), "fieldlog-servers-"));
    const binary = await obtainNatsServer({ cacheDir: defaultCacheDir(), progress: () => undefined });
    const between = new Between();
    const servers = await startNatsCluster({ dataDir: dir, size: 3, binary, route: between.route });
    const routes = async (n: number) => {
      const answer = await fetch(`${servers[n]?.monitorUrl}/varz`);
      return ((await answer.json()) as { routes: number }).routes;
    };
    try {
      expect(await routes(2)).toBeGreaterThan(0);
      between.part(2);
      await vi.waitFor(async () => expect(await routes(2)).toBe(0), { timeout: 30_000 });
      expect(await routes(0)).toBeGreaterThan(0);
      between.heal();
      await vi.waitFor(async () => expect(await routes(2)).toBeGreaterThan(0), { timeout: 30_000 });
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
      between.close();
      await rm(dir, { recursive: true, force: true });
    }
  });
});

/** Stands on all ways between servers. */
class Between {
  private parted = -1;
  private readonly ways: { ends: number[]; server: Server; open: Set<Socket> }[] = [];

  readonly route = async (from: number, to: number, port: number): Promise<number> => {
    const way = { ends: [from, to], server: createServer(), open: new Set<Socket>() };
    way.server.on("connection", (near) => {
      const far = connect(port, "127.0.0.1");
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        way.open.add(one);
        one.on("error", () => undefined);
        one.on("close", () => other.destroy());
        one.pipe(other);
      }
      if (way.ends.includes(this.parted)) near.destroy();
    });
    this.ways.push(way);
    await new Promise<void>((resolve) => way.server.listen(0, "127.0.0.1", resolve));
    return (way.server.address() as AddressInfo).port;
  };

  part(server: number): void {
    this.parted = server;
    for (const { ends, open } of this.ways) {
      if (ends.includes(server)) for (const socket of open) socket.destroy();
    }
  }

  heal(): void {
    this.parted = -1;
  }

  close(): void {
    for (const { server } of this.ways) server.close();
  }
}

function starterScript(dataDir: string): string {
  return `
    import { startNats } from "@fieldlog/servers";
    const server = await startNats({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(server.pid);
    setInterval(() => undefined, 1000);`;
}

/** Just enough of the NATS protocol: this package runs the server and has no client of its own. */
function session(address: string) {
  const url = new URL(address);
  const ask = (lines: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(Number(url.port), url.hostname);
      let said = "";
      const login = JSON.stringify({
        user: url.username,
        pass: url.password,
        verbose: false,
        pedantic: false,
      });
      socket.on("error", reject);
      socket.on("close", () => resolve(said));
      socket.on("data", (chunk) => {
        said += chunk;
        if (/MSG inbox/.test(said) || (lines === "PING" && /PONG/.test(said))) socket.end();
      });
      socket.write(`CONNECT ${login}\r\n${lines}\r\n`);
    });
  return {
    ask,
    request: (subject: string, body: string) =>
      ask(`SUB inbox 1\r\nPUB ${subject} inbox ${Buffer.byteLength(body)}\r\n${body}`),
  };
}
