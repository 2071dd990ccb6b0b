import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { OPS_PORT, type ServiceName, serviceProcess } from "@fieldlog/processes";
import { type Part, partsOf } from "./parts.js";
import { compileCache, LAUNCHER, programOf } from "./programs.js";
import { temporaryDir } from "./servers.js";

export interface SystemOptions {
  natsUrl: string;
  /** From which the flush setting is read. */
  natsMonitorUrl?: string;
  postgresUrl: string;
  /** How many processes of a service; default 1. A further one is named `<service>-2` and so on. */
  replicas?: Partial<Record<ServiceName, number>>;
  /** Everything in one process, as `npm start` runs it; its name is `fieldlog`. */
  inOneProcess?: boolean;
  /** Only these have processes of their own, so many each; the others share one, whose name is `fieldlog`. */
  apart?: Partial<Record<ServiceName, number>>;
  /** More settings, by their names: FIELDLOG_… */
  settings?: Readonly<Record<string, string>>;
  /** More settings of one process, by its name and what it would be told otherwise: other addresses of the servers, say. */
  settingsOf?: (process: string, settings: SettingsOf) => SettingsOf | Promise<SettingsOf>;
  /** Folder of bundled programs, `<service>.mjs` and `fieldlog.mjs`: those of another commit, say. Default: the run's. */
  programs?: string;
  /** Milliseconds until a process must be ready. Default 180,000. */
  startTimeoutMs?: number;
  /** Gets each line that a process logs. */
  log?: (process: string, line: string) => void;
}

type SettingsOf = Readonly<Record<string, string>>;

export interface SystemProcess {
  /** 0 while it is down. */
  readonly pid: number;
  /** Its /healthz, /readyz and /metrics. */
  readonly opsUrl: string;
  /** The same; for edge-http, and all in one, the door. */
  readonly url: string;
  /** Of edge-mqtt, and all in one: where it takes MQTT, mqtt://127.0.0.1:port. */
  readonly mqttUrl: string | undefined;
  /** The same over TLS, where the settings name a certificate (all in one has its own). */
  readonly mqttsUrl: string | undefined;
  /** The same over WebSocket. */
  readonly mqttWsUrl: string | undefined;
  /** Of edge-websocket, and all in one: ws://127.0.0.1:port. */
  readonly wsUrl: string | undefined;
  /** The same over TLS, where the settings name a certificate (all in one has its own). */
  readonly wssUrl: string | undefined;
  /** What it logged, the newest lines. */
  log(): string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on its ports; resolves when it is ready. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  /** SIGTERM; resolves when it has ended by itself. */
  stop(): Promise<void>;
}

export interface System {
  /** The door of the first edge-http. */
  readonly url: string;
  /** Where the first edge-mqtt takes MQTT. */
  readonly mqttUrl: string;
  /** The same over TLS, where the settings name a certificate (all in one has its own). */
  readonly mqttsUrl: string;
  /** Where the first edge-websocket takes connections. */
  readonly wsUrl: string;
  readonly adminKey: string;
  /** By service, and `<service>-2`, … for further replicas. */
  readonly processes: Readonly<Record<string, SystemProcess>>;
  /** Stops what still runs, the doors first. */
  stop(): Promise<void>;
}

/** Lines of a process's log that are kept to be looked at. */
const LOG_LINES = 2000;

/**
 * Starts the built services against given servers, on free ports of this machine. Resolves when all are ready.
 * Raises ServerDidNotStart with the last lines of the one that did not.
 */
export async function startSystem(o: SystemOptions): Promise<System> {
  const dir = await temporaryDir();
  const adminKey = `fl_${randomBytes(32).toString("base64url")}`;
  const shared = {
    FIELDLOG_NATS_URL: o.natsUrl,
    // As many copies of the log as there are servers.
    FIELDLOG_REPLICAS: String(o.natsUrl.split(",").length),
    ...(o.natsMonitorUrl && { FIELDLOG_NATS_MONITOR_URL: o.natsMonitorUrl }),
    FIELDLOG_POSTGRES_URL: o.postgresUrl,
    FIELDLOG_ADMIN_KEY: adminKey,
    FIELDLOG_INTERNAL_TOKEN: randomBytes(32).toString("base64url"),
    FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
  };
  const processes: Record<string, SystemProcess> = {};
  for (const part of await partsOf(o, join(dir, "data"))) {
    const settings = { ...shared, ...part.settings, ...o.settings };
    const own = await o.settingsOf?.(part.name, settings);
    processes[part.name] = systemProcess(part, { ...settings, ...own }, dir, o);
  }
  const stop = async () => {
    for (const process of Object.values(processes).reverse()) await process.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await Promise.all(Object.values(processes).map((process) => process.start()));
  } catch (error) {
    await Promise.all(Object.values(processes).map((process) => process.kill()));
    await stop();
    throw error;
  }
  const first = (service: ServiceName) => processes[service] ?? processes[LAUNCHER];
  return {
    url: first("edge-http")?.url ?? "",
    mqttUrl: first("edge-mqtt")?.mqttUrl ?? "",
    mqttsUrl: first("edge-mqtt")?.mqttsUrl ?? "",
    wsUrl: first("edge-websocket")?.wsUrl ?? "",
    ...{ adminKey, processes, stop },
  };
}

function systemProcess(
  { name, program, ports }: Part,
  settings: Record<string, string>,
  dir: string,
  o: Pick<SystemOptions, "startTimeoutMs" | "log" | "programs">,
): SystemProcess {
  const lines: string[] = [];
  const own = Object.entries(process.env).filter(
    ([variable]) => !variable.startsWith("FIELDLOG_") && variable !== "NODE_OPTIONS",
  );
  const opsUrl = `http://127.0.0.1:${ports[OPS_PORT]}`;
  const server = serviceProcess({
    ...{ name, program: programOf(program, o.programs), readyUrl: `${opsUrl}/readyz` },
    ...{ dataDir: dir, pidFile: join(dir, `${name}.pid`) },
    env: { NODE_COMPILE_CACHE: compileCache(), ...Object.fromEntries(own), ...settings },
    startTimeoutMs: o.startTimeoutMs ?? 180_000,
    log: (line) => {
      o.log?.(name, line);
      lines.push(line);
      if (lines.length > LOG_LINES) lines.splice(0, LOG_LINES / 2);
    },
  });
  const at = (protocol: string, setting: string) =>
    ports[setting] === undefined ? undefined : `${protocol}://127.0.0.1:${ports[setting]}`;
  return {
    opsUrl,
    url: at("http", "FIELDLOG_HTTP_PORT") ?? opsUrl,
    mqttUrl: at("mqtt", "FIELDLOG_MQTT_PORT"),
    mqttsUrl: at("mqtts", "FIELDLOG_MQTTS_PORT"),
    mqttWsUrl: at("ws", "FIELDLOG_MQTT_WS_PORT"),
    wsUrl: at("ws", "FIELDLOG_WS_PORT"),
    wssUrl: at("wss", "FIELDLOG_WSS_PORT"),
    get pid() {
      return server.pid;
    },
    log: () => lines.join("\n"),
    kill: () => server.kill(),
    start: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    stop: () => server.stop(),
  };
}
