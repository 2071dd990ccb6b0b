import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { keptPassword } from "../kept-password.js";
import { freePort, isFree, PortTaken } from "../process/ports.js";
import { run } from "../process/run.js";
import { ServerDidNotStart, ServerProcess } from "../process/server-process.js";
import { databaseAccount } from "./account.js";
import { postgresBinaries } from "./binaries.js";
import { clusterIn, forgetReusedPid, SUPERUSER } from "./cluster.js";

export interface PostgresOptions {
  /** Holds the database's files, its password and the process file. */
  dataDir: string;
  /** Port on 127.0.0.1. 0 (default): a free one. */
  port?: number;
  /** Gets each line that the server logs. */
  log?: (line: string) => void;
  /** Called when it has ended although nobody here asked for that; `how`: its exit code or signal. */
  ended?: (how: string) => void;
}

/** A PostgreSQL server on this machine, reachable from this machine only. */
export interface RunningPostgres {
  /** postgres://user:password@127.0.0.1:port/fieldlog; the user may make databases. */
  readonly url: string;
  /** 0 while it is down. */
  readonly pid: number;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again with the same port and files. */
  start(): Promise<void>;
  /** The server and its sessions hang, with their connections open. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it cleanly: open transactions are rolled back, sessions closed. */
  stop(): Promise<void>;
}

const DATABASE = "fieldlog";

/** What differs from PostgreSQL's defaults, for a database that is rebuilt from the log and shares a small machine. */
const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  // The socket's folder would have to be found for the unprivileged user; TCP on the loopback is enough.
  unix_socket_directories: "",
  max_connections: "400",
  shared_buffers: "256MB",
  // Fewer checkpoints under the write load of a catching-up read model.
  max_wal_size: "2GB",
  // One line per connection helps nobody here.
  log_line_prefix: "%m [%p] ",
};

/**
 * Starts PostgreSQL on a data directory, new or with the data of an earlier run, and resolves when it answers
 * and has the database `fieldlog`. As root it runs as an unprivileged user.
 * Raises PortTaken, DataDirectoryInUse, ServerDidNotStart, CommandFailed (initdb).
 */
export async function startPostgres(o: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = resolve(o.dataDir);
  const log = o.log ?? (() => undefined);
  const account = await databaseAccount();
  const { dir: programs } = await postgresBinaries(account);
  // 0711: the unprivileged user gets through to its folder, and sees nothing else.
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, account ? 0o711 : 0o700);
  const password = await keptPassword(join(dataDir, "password"));
  if (o.port && !(await isFree(o.port))) throw new PortTaken("PostgreSQL", o.port);
  const cluster = await clusterIn(dataDir, account, { initdb: join(programs, "initdb"), password, log });

  for (let attempt = 1; ; attempt++) {
    const port = o.port || (await freePort());
    const url = (database: string) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
    const settings = { ...SERVER_SETTINGS, port: String(port) };
    const server = new ServerProcess({
      name: "PostgreSQL",
      dataDir,
      command: join(programs, "postgres"),
      args: [
        "-D",
        cluster,
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      ...(account && { uid: account.uid, gid: account.gid }),
      pidFile: join(dataDir, "postgres.pid"),
      // "Fast shutdown"; SIGTERM would wait for the clients to leave.
      stopSignal: "SIGINT",
      answers: () => query(url("postgres"), "select 1").then(() => true),
      log,
      ...(o.ended && { ended: o.ended }),
    });
    try {
      await startAfterCrash(server, cluster);
    } catch (error) {
      const raced = error instanceof ServerDidNotStart && /Address already in use/.test(error.lastWords);
      if (raced && attempt < 5 && !o.port) continue;
      throw error;
    }
    await makeDatabase(url("postgres"));
    return {
      url: url(DATABASE),
      get pid() {
        return server.pid;
      },
      kill: () => server.kill(),
      start: () => startAfterCrash(server, cluster),
      // Its sessions are processes; while the server hangs, it makes no new ones.
      pause: async () => {
        server.pause();
        for (const pid of await childrenOf(server.pid)) signal(pid, "SIGSTOP");
      },
      resume: async () => {
        for (const pid of await childrenOf(server.pid)) signal(pid, "SIGCONT");
        server.resume();
      },
      stop: () => server.stop(),
    };
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const listed = await run("ps", ["-A", "-o", "pid=,ppid="]);
  return listed.split("\n").flatMap((line) => {
    const [child = 0, parent] = line.trim().split(/\s+/).map(Number);
    return pid !== 0 && parent === pid ? [child] : [];
  });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** The sessions of a server that was killed end within moments of it; until then a new one refuses to start. */
async function startAfterCrash(server: ServerProcess, cluster: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await forgetReusedPid(cluster);
    try {
      return await server.start();
    } catch (error) {
      const sessionsLeft =
        error instanceof ServerDidNotStart && /shared memory block|lock file/.test(error.lastWords);
      if (!sessionsLeft || attempt === 40) throw error;
      await sleep(250);
    }
  }
}

async function makeDatabase(url: string): Promise<void> {
  const found = await query(url, `select from pg_database where datname = '${DATABASE}'`);
  if (found === 0) await query(url, `create database ${DATABASE}`);
}

/** Runs one statement on a connection of its own; returns the number of rows. */
async function query(url: string, sql: string): Promise<number> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rowCount ?? 0;
  } finally {
    await client.end();
  }
}
