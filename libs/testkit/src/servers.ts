import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type RunningNats,
  type RunningPostgres,
  removeCluster,
  startNats,
  startNatsCluster,
  startPostgres,
} from "@fieldlog/servers";
import pg from "pg";
import { allInProcesses } from "./shape.js";

export interface TestServers {
  nats: RunningNats;
  /** Undefined when the run's shared server is used: nobody may kill that one. */
  postgres: RunningPostgres | undefined;
  /** A fresh, empty database; `label` is part of its name. Dropped by stop(). */
  databaseUrl(label?: string): Promise<string>;
  /** Ends what was started and removes its files. */
  stop(): Promise<void>;
}

export interface TestServersOptions {
  /** A PostgreSQL of its own, that the test may kill. Default: databases in the run's shared one. */
  ownPostgres?: boolean;
  /** Flush each write before it is acknowledged, as in production. Default true. */
  syncAlways?: boolean;
}

/** The environment variable through which the global set-up tells the workers of the run's PostgreSQL. */
export const SHARED_POSTGRES = "TESTKIT_POSTGRES_URL";

/** A NATS server of the test file's own (TESTKIT_SHAPE=processes: three of them), and PostgreSQL. */
export async function startServers(
  o: TestServersOptions & { ownPostgres: true },
): Promise<TestServers & { postgres: RunningPostgres }>;
export async function startServers(o?: TestServersOptions): Promise<TestServers>;
export async function startServers(o: TestServersOptions = {}): Promise<TestServers> {
  const dir = await temporaryDir();
  const shared = o.ownPostgres ? undefined : process.env[SHARED_POSTGRES];
  const cleanUp = async () => {
    await removeCluster(join(dir, "postgres"));
    await rm(dir, { recursive: true, force: true });
  };
  const starting = [
    startLog(join(dir, "nats"), o.syncAlways ?? true),
    shared ? undefined : startPostgres({ dataDir: join(dir, "postgres") }),
  ] as const;
  const [nats, postgres] = await Promise.all(starting).catch(async (error) => {
    for (const started of await Promise.allSettled(starting)) {
      if (started.status === "fulfilled") await started.value?.stop();
    }
    await cleanUp();
    throw error;
  });
  const admin = shared ?? postgres?.url ?? "";
  const databases: string[] = [];
  return {
    nats,
    postgres,
    databaseUrl: async (label = "test") => {
      const name = `${label}_${randomBytes(6).toString("hex")}`.replaceAll(/[^a-z0-9_]/g, "_");
      await execute(admin, `create database ${name}`);
      databases.push(name);
      const url = new URL(admin);
      url.pathname = name;
      return url.href;
    },
    stop: async () => {
      await nats.stop();
      if (shared) {
        for (const name of databases) await execute(shared, `drop database if exists ${name} with (force)`);
      }
      await postgres?.stop();
      await cleanUp();
    },
  };
}

/** One server; three where the run's systems are in processes. */
async function startLog(dataDir: string, syncAlways: boolean): Promise<RunningNats> {
  return allInProcesses()
    ? asOne(await startNatsCluster({ dataDir, syncAlways, size: 3 }))
    : startNats({ dataDir, syncAlways });
}

/** A cluster whose servers are killed, paused and started together. */
function asOne(servers: readonly RunningNats[]): RunningNats {
  const all = (step: (server: RunningNats) => unknown) => Promise.all(servers.map(step));
  return {
    url: servers.map(({ url }) => url).join(","),
    monitorUrl: servers[0]?.monitorUrl ?? "",
    get pid() {
      return servers[0]?.pid ?? 0;
    },
    kill: async () => void (await all((server) => server.kill())),
    start: async () => void (await all((server) => server.start())),
    stop: async () => void (await all((server) => server.stop())),
    pause: () => void all((server) => server.pause()),
    resume: () => void all((server) => server.resume()),
  };
}

/** A new folder for a test's files; the unprivileged user that runs PostgreSQL for root may pass through it. */
export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "fieldlog-test-"));
  await chmod(dir, 0o711);
  return dir;
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
