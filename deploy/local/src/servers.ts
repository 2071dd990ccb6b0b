import { join } from "node:path";
import type { Settings } from "@fieldlog/runtime";
import { defaultCacheDir, obtainNatsServer, startNats, startPostgres } from "@fieldlog/servers";
import { LogFile } from "./log-file.js";
import type { Screen } from "./screen.js";
import { withoutUser } from "./welcome.js";

/** A server that is used: started by us, or by somebody else (then stop does nothing). */
export interface Server {
  url: string;
  monitorUrl?: string | undefined;
  stop(): Promise<void>;
}

/** The program for `nats`; undefined when a running server is used. May take a download. */
export async function natsProgram(settings: Settings, screen: Screen): Promise<string | undefined> {
  if (settings.natsUrl) return undefined;
  const cacheDir = settings.cacheDir ?? defaultCacheDir();
  return obtainNatsServer({ cacheDir, progress: (message) => screen.step(message) });
}

/** NATS: that of FIELDLOG_NATS_URL, else one under the data directory. */
export async function nats(
  settings: Settings,
  dataDir: string,
  screen: Screen,
  binary: string | undefined,
): Promise<Server> {
  if (settings.natsUrl) {
    screen.step(`using NATS at ${withoutUser(settings.natsUrl)} (FIELDLOG_NATS_URL)`);
    return { url: settings.natsUrl, monitorUrl: settings.natsMonitorUrl, stop: async () => undefined };
  }
  const log = new LogFile(join(dataDir, "logs", "nats.log"));
  const running = await startNats({
    dataDir: join(dataDir, "nats"),
    ...(binary && { binary }),
    log: (line) => log.write(`${line}\n`),
  });
  screen.step(`NATS runs (process ${running.pid})`);
  return {
    url: running.url,
    monitorUrl: running.monitorUrl,
    stop: async () => {
      await running.stop();
      await log.close();
    },
  };
}

/** PostgreSQL: that of FIELDLOG_POSTGRES_URL, else one under the data directory. */
export async function postgres(settings: Settings, dataDir: string, screen: Screen): Promise<Server> {
  if (settings.postgresUrl) {
    screen.step(`using PostgreSQL at ${withoutUser(settings.postgresUrl)} (FIELDLOG_POSTGRES_URL)`);
    return { url: settings.postgresUrl, stop: async () => undefined };
  }
  const log = new LogFile(join(dataDir, "logs", "postgres.log"));
  const running = await startPostgres({
    dataDir: join(dataDir, "postgres"),
    log: (line) => log.write(`${line}\n`),
  });
  screen.step(`PostgreSQL runs (process ${running.pid})`);
  return {
    url: running.url,
    stop: async () => {
      await running.stop();
      await log.close();
    },
  };
}
