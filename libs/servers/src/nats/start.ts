import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { defaultCacheDir } from "../cache-dir.js";
import { keptPassword } from "../kept-password.js";
import { freePort, isFree, PortTaken } from "../process/ports.js";
import { ServerDidNotStart, ServerProcess } from "../process/server-process.js";
import { type ClusterMember, natsConfig } from "./config.js";
import { obtainNatsServer } from "./obtain/obtain.js";
import { roomFor } from "./room.js";

export interface NatsOptions {
  /** Holds the store, the configuration with its password, and the process file. Made with mode 0700. */
  dataDir: string;
  /** Port on 127.0.0.1 for clients. 0 (default): a free one. */
  port?: number;
  /** Port on 127.0.0.1 for monitoring over HTTP. 0 (default): a free one. */
  monitorPort?: number;
  /** Flush every write to the disk before it is acknowledged. Default true. */
  syncAlways?: boolean;
  /** The program; default: obtainNatsServer with the default cache. */
  binary?: string;
  /** Default: one that is made once and kept in the data directory. */
  password?: string;
  /** Its name, and the cluster that it joins; absent: it stands alone. */
  member?: { readonly serverName: string; readonly cluster: ClusterMember };
  /** Gets each line that the server logs. */
  log?: (line: string) => void;
  /** Called when it has ended although nobody here asked for that; `how`: its exit code or signal. */
  ended?: (how: string) => void;
}

/** A NATS server with JetStream on this machine, reachable from this machine only. */
export interface RunningNats {
  /** nats://user:password@127.0.0.1:port */
  readonly url: string;
  /** http://127.0.0.1:port */
  readonly monitorUrl: string;
  /** 0 while it is down. */
  readonly pid: number;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again with the same ports and store. */
  start(): Promise<void>;
  /** The server hangs with its connections open, as behind a dead network. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const USER = "fieldlog";

/**
 * Starts nats-server on a data directory, new or with the store of an earlier run, and resolves when it
 * answers and its streams are recovered. Raises PortTaken, DataDirectoryInUse, ServerDidNotStart,
 * NatsServerNotFound.
 */
export async function startNats(o: NatsOptions): Promise<RunningNats> {
  const dataDir = resolve(o.dataDir);
  const log = o.log ?? (() => undefined);
  const binary = o.binary ?? (await obtainNatsServer({ cacheDir: defaultCacheDir(), progress: log }));
  await mkdir(dataDir, { recursive: true });
  await chmod(dataDir, 0o700);
  const storeDir = join(dataDir, "store");
  const password = o.password ?? (await keptPassword(join(dataDir, "password")));
  for (const port of [o.port, o.monitorPort]) {
    if (port && !(await isFree(port))) throw new PortTaken("NATS", port);
  }
  for (let attempt = 1; ; attempt++) {
    const port = o.port || (await freePort());
    const monitorPort = o.monitorPort || (await freePort());
    const config = natsConfig({
      port,
      monitorPort,
      storeDir,
      maxFileStore: await roomFor(storeDir),
      user: USER,
      password,
      syncAlways: o.syncAlways ?? true,
      ...o.member,
    });
    await writeFile(join(dataDir, "nats.conf"), config, { mode: 0o600 });
    const monitorUrl = `http://127.0.0.1:${monitorPort}`;
    const server = new ServerProcess({
      name: "NATS",
      dataDir,
      command: binary,
      args: ["--config", join(dataDir, "nats.conf")],
      pidFile: join(dataDir, "nats.pid"),
      stopSignal: "SIGTERM",
      // 200 only when JetStream is up and has recovered its streams.
      answers: async () =>
        (await fetch(`${monitorUrl}/healthz`, { signal: AbortSignal.timeout(10_000) })).status === 200,
      log,
      ...(o.ended && { ended: o.ended }),
    });
    try {
      await server.start();
    } catch (error) {
      // Another program took a port between our look and the server's.
      const raced = error instanceof ServerDidNotStart && /address already in use/.test(error.lastWords);
      if (raced && attempt < 5 && !(o.port && o.monitorPort)) continue;
      throw error;
    }
    return {
      url: `nats://${USER}:${password}@127.0.0.1:${port}`,
      monitorUrl,
      get pid() {
        return server.pid;
      },
      kill: () => server.kill(),
      start: () => server.start(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      stop: () => server.stop(),
    };
  }
}
