import { access } from "node:fs/promises";
import { join } from "node:path";
import { type Settings, SettingsError } from "@fieldlog/runtime";
import {
  defaultCacheDir,
  obtainNatsServer,
  type RunningNats,
  startNats,
  startNatsCluster,
  startPostgres,
} from "@fieldlog/servers";
import { LogFile } from "./log-file.js";
import { type Kept, Restarts } from "./processes/restarts.js";
import type { Screen } from "./screen.js";
import { withoutUser } from "./welcome.js";

/** A server that is used: started by us, or by somebody else (then stop does nothing). */
export interface Server {
  url: string;
  monitorUrl?: string | undefined;
  stop(): Promise<void>;
}

/** The log in the data directory was kept by another number of NATS servers than it is to be now. */
export class OtherLog extends Error {
  constructor(dataDir: string, natsServers: number) {
    const how =
      natsServers > 1
        ? "is kept by one NATS server: start it without --processes, or with --processes --nats 1"
        : "is kept by three NATS servers: start it with --processes";
    super(
      `The log in ${dataDir} ${how}. One cannot become the other there; ` +
        "for a new log of the other kind use another data directory (FIELDLOG_DATA_DIR).",
    );
    this.name = "OtherLog";
  }
}

const ONE = "nats";
const SEVERAL = "nats-cluster";

/** Raises OtherLog, and SettingsError where more copies are asked for than there are servers. */
export async function checkLog(settings: Settings, dataDir: string, natsServers: number): Promise<void> {
  if (settings.natsUrl) return;
  const other = natsServers > 1 ? join(dataDir, ONE, "store") : join(dataDir, SEVERAL, "nats-1", "store");
  if (await exists(other)) throw new OtherLog(dataDir, natsServers);
  if (settings.replicas > natsServers) {
    const servers = natsServers === 1 ? "one NATS server" : `${natsServers} NATS servers`;
    throw new SettingsError([`FIELDLOG_REPLICAS is ${settings.replicas}, and there would be ${servers}`]);
  }
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The program for `nats`; undefined when a running server is used. May take a download. */
export async function natsProgram(
  settings: Settings,
  screen: Screen,
  natsServers: number,
): Promise<string | undefined> {
  if (settings.natsUrl) return undefined;
  const cacheDir = settings.cacheDir ?? defaultCacheDir();
  const progress = (message: string) => screen.step(message);
  return obtainNatsServer({ cacheDir, progress, forCluster: natsServers > 1 });
}

/** NATS: that of FIELDLOG_NATS_URL, else one or more under the data directory. */
export async function nats(
  settings: Settings,
  o: { dataDir: string; natsServers: number; screen: Screen; binary: string | undefined },
): Promise<Server> {
  const { dataDir, natsServers, screen, binary } = o;
  if (settings.natsUrl) {
    screen.step(`using NATS at ${withoutUser(settings.natsUrl)} (FIELDLOG_NATS_URL)`);
    return { url: settings.natsUrl, monitorUrl: settings.natsMonitorUrl, stop: async () => undefined };
  }
  const names = Array.from({ length: natsServers }, (_, n) => (natsServers === 1 ? "NATS" : `nats-${n + 1}`));
  const logs = names.map((name) => new LogFile(join(dataDir, "logs", `${name.toLowerCase()}.log`)));
  let running: readonly RunningNats[] = [];
  const restarts = names.map((name, n) =>
    keep(name, { screen, process: () => running[n] as Kept, log: logs[n] }),
  );
  const common = {
    ...(binary && { binary }),
    log: (n: number, line: string) => logs[n]?.write(`${line}\n`),
    ended: (n: number, how: string) => restarts[n]?.ended(how),
  };
  running =
    natsServers === 1
      ? [await startOne({ ...common, dataDir: join(dataDir, ONE) })]
      : await startNatsCluster({ ...common, dataDir: join(dataDir, SEVERAL), size: natsServers });
  for (const [n, { pid }] of running.entries()) screen.step(`${names[n]} runs (process ${pid})`);
  return {
    url: running.map(({ url }) => url).join(","),
    monitorUrl: running[0]?.monitorUrl,
    stop: async () => {
      await Promise.all(restarts.map((each) => each.stop()));
      await Promise.all(logs.map((log) => log.close()));
    },
  };
}

function startOne(o: Omit<Parameters<typeof startNatsCluster>[0], "size">): Promise<RunningNats> {
  return startNats({
    ...{ dataDir: o.dataDir, ...(o.binary && { binary: o.binary }) },
    log: (line) => o.log?.(0, line),
    ended: (how) => o.ended?.(0, how),
  });
}

/** PostgreSQL: that of FIELDLOG_POSTGRES_URL, else one under the data directory. */
export async function postgres(settings: Settings, dataDir: string, screen: Screen): Promise<Server> {
  if (settings.postgresUrl) {
    screen.step(`using PostgreSQL at ${withoutUser(settings.postgresUrl)} (FIELDLOG_POSTGRES_URL)`);
    return { url: settings.postgresUrl, stop: async () => undefined };
  }
  const log = new LogFile(join(dataDir, "logs", "postgres.log"));
  let running: (Kept & { url: string }) | undefined;
  const restarts = keep("PostgreSQL", { screen, process: () => running as Kept, log });
  running = await startPostgres({
    dataDir: join(dataDir, "postgres"),
    log: (line) => log.write(`${line}\n`),
    ended: (how) => restarts.ended(how),
  });
  screen.step(`PostgreSQL runs (process ${running.pid})`);
  return {
    url: running.url,
    stop: async () => {
      await restarts.stop();
      await log.close();
    },
  };
}

/** A server that ends by itself is started again, on its ports and its data. */
function keep(name: string, o: { screen: Screen; process: () => Kept; log: LogFile | undefined }): Restarts {
  return new Restarts({
    process: o.process,
    warn: (message) => {
      o.log?.write(`${message}\n`);
      o.screen.problem(`${name} ${message}`);
    },
    say: (message) => o.screen.step(`${name} ${message}`),
  });
}
