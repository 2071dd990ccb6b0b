import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { freePort, ServerProcess } from "@fieldlog/servers";
import { compileCache, LAUNCHER, programOf, SERVICES } from "./programs.js";
import { temporaryDir } from "./servers.js";

/** Those that others call by gRPC. */
const CALLED = [
  "auth",
  "devices",
  "projections",
  "subscriptions",
  "liveness",
  "offers",
  "sampling",
  "streams",
] as const;

/**
 * Settings of one process with all services, so that these meet on free ports: two that look for the default ones at the
 * same moment both find them free.
 */
export const anyGrpcPorts: Readonly<Record<string, string>> = Object.fromEntries(
  CALLED.map((service) => [`FIELDLOG_${service.toUpperCase()}_GRPC`, "127.0.0.1:0"]),
);

export type ServiceName = (typeof SERVICES)[number];

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
  /** More settings of one process, by its name: other addresses of the servers, say. */
  settingsOf?: (process: string) => Readonly<Record<string, string>>;
  /** Milliseconds until a process must be ready. Default 60,000. */
  startTimeoutMs?: number;
  /** Gets each line that a process logs. */
  log?: (process: string, line: string) => void;
}

export interface SystemProcess {
  /** 0 while it is down. */
  readonly pid: number;
  /** Its /healthz, /readyz and /metrics; for edge-http, and all in one, the door. */
  readonly url: string;
  /** Of edge-mqtt, and all in one: where it takes MQTT, mqtt://127.0.0.1:port. */
  readonly mqttUrl: string | undefined;
  /** The same over TLS, where the settings name a certificate (all in one has its own). */
  readonly mqttsUrl: string | undefined;
  /** The same over WebSocket. */
  readonly mqttWsUrl: string | undefined;
  /** Of edge-websocket, and all in one: ws://127.0.0.1:port. */
  readonly wsUrl: string | undefined;
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
    ...(o.natsMonitorUrl && { FIELDLOG_NATS_MONITOR_URL: o.natsMonitorUrl }),
    FIELDLOG_POSTGRES_URL: o.postgresUrl,
    FIELDLOG_ADMIN_KEY: adminKey,
    FIELDLOG_INTERNAL_TOKEN: randomBytes(32).toString("base64url"),
    FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
  };
  const plans = o.inOneProcess
    ? [await onePlan(join(dir, "data"))]
    : o.apart
      ? await plansApart(o.apart, join(dir, "data"))
      : await plansOfAll((service) => o.replicas?.[service] ?? 1);
  const processes: Record<string, ReturnType<typeof systemProcess>> = {};
  for (const plan of plans) {
    const settings = { ...shared, ...plan.settings, ...o.settings, ...o.settingsOf?.(plan.name) };
    processes[plan.name] = systemProcess(plan, settings, dir, o);
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
  const door = processes["edge-http"] ?? processes["fieldlog"];
  const mqttDoor = processes["edge-mqtt"] ?? processes["fieldlog"];
  const wsDoor = processes["edge-websocket"] ?? processes["fieldlog"];
  const urls = { url: door?.url ?? "", mqttUrl: mqttDoor?.mqttUrl ?? "", wsUrl: wsDoor?.wsUrl ?? "" };
  return { ...urls, adminKey, processes, stop };
}

interface Plan {
  name: string;
  /** The service whose process it is; of several, any. */
  service: ServiceName;
  /** What it runs: LAUNCHER, or the service. */
  program: string;
  port: number;
  /** Where it tells whether it is ready, if not on `port`. */
  opsPort?: number;
  mqtt?: MqttPorts;
  wsPort?: number;
  settings: Record<string, string>;
}

interface MqttPorts {
  mqtt: number;
  mqtts: number;
  ws: number;
}

async function freeMqttPorts(): Promise<MqttPorts> {
  return { mqtt: await freePort(), mqtts: await freePort(), ws: await freePort() };
}

const mqttSettings = ({ mqtt, mqtts, ws }: MqttPorts) => ({
  FIELDLOG_MQTT_PORT: String(mqtt),
  FIELDLOG_MQTTS_PORT: String(mqtts),
  FIELDLOG_MQTT_WS_PORT: String(ws),
});

async function onePlan(dataDir: string): Promise<Plan> {
  const [port, opsPort, httpsPort] = [await freePort(), await freePort(), await freePort()];
  const mqtt = await freeMqttPorts();
  const wsPort = await freePort();
  const settings = {
    ...mqttSettings(mqtt),
    ...anyGrpcPorts,
    FIELDLOG_WS_PORT: String(wsPort),
    FIELDLOG_HTTP_PORT: String(port),
    FIELDLOG_HTTPS_PORT: String(httpsPort),
    FIELDLOG_OPS_PORT: String(opsPort),
    FIELDLOG_DATA_DIR: dataDir,
  };
  return { name: "fieldlog", service: "edge-http", program: LAUNCHER, port, opsPort, mqtt, wsPort, settings };
}

async function plansApart(apart: NonNullable<SystemOptions["apart"]>, dataDir: string): Promise<Plan[]> {
  const plans = await plansOfAll((service) => apart[service] ?? 1);
  const alone = plans.filter(({ service }) => apart[service] !== undefined);
  const shared = plans.filter(({ service }) => apart[service] === undefined);
  const door = shared.find(({ service }) => service === "edge-http");
  const opsPort = await freePort();
  const rest: Plan = {
    ...Object.assign({}, ...shared),
    ...{ name: "fieldlog", program: LAUNCHER, port: door?.port ?? opsPort, opsPort },
    settings: {
      ...Object.assign({}, ...shared.map(({ settings }) => settings)),
      FIELDLOG_SERVICES: shared.map(({ service }) => service).join(","),
      FIELDLOG_OPS_PORT: String(opsPort),
      FIELDLOG_DATA_DIR: dataDir,
    },
  };
  return [rest, ...alone];
}

/** The nth edge calls the nth replica of each other service, or the first where there are fewer. */
async function plansOfAll(replicas: (service: ServiceName) => number): Promise<Plan[]> {
  const addresses: Record<string, string[]> = {};
  for (const service of CALLED) {
    addresses[service] = [];
    for (let n = 0; n < replicas(service); n++) addresses[service].push(`127.0.0.1:${await freePort()}`);
  }
  const plans: Plan[] = [];
  for (const service of SERVICES) {
    for (let n = 0; n < replicas(service); n++) {
      const port = await freePort();
      const mqtt = service === "edge-mqtt" ? await freeMqttPorts() : undefined;
      const wsPort = service === "edge-websocket" ? await freePort() : undefined;
      const settings: Record<string, string> = {
        ...(mqtt && mqttSettings(mqtt)),
        ...(wsPort !== undefined && { FIELDLOG_WS_PORT: String(wsPort) }),
        // Opened where a test gives a certificate.
        ...(service === "edge-http" && { FIELDLOG_HTTPS_PORT: String(await freePort()) }),
        [service === "edge-http" ? "FIELDLOG_HTTP_PORT" : "FIELDLOG_OPS_PORT"]: String(port),
      };
      for (const other of CALLED) {
        const address = addresses[other]?.[n] ?? addresses[other]?.[0];
        if (address) settings[`FIELDLOG_${other.toUpperCase()}_GRPC`] = address;
      }
      const name = n === 0 ? service : `${service}-${n + 1}`;
      plans.push({
        name,
        service,
        program: service,
        port,
        settings,
        ...(mqtt && { mqtt }),
        ...(wsPort !== undefined && { wsPort }),
      });
    }
  }
  return plans;
}

function systemProcess(
  plan: Plan,
  settings: Record<string, string>,
  dir: string,
  o: Pick<SystemOptions, "startTimeoutMs" | "log">,
): SystemProcess {
  const url = `http://127.0.0.1:${plan.port}`;
  const readyz = `http://127.0.0.1:${plan.opsPort ?? plan.port}/readyz`;
  const lines: string[] = [];
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("FIELDLOG_") && name !== "NODE_OPTIONS",
  );
  const server = new ServerProcess({
    name: plan.name,
    dataDir: dir,
    command: process.execPath,
    args: [programOf(plan.program)],
    env: { NODE_COMPILE_CACHE: compileCache(), ...Object.fromEntries(own), ...settings },
    pidFile: join(dir, `${plan.name}.pid`),
    stopSignal: "SIGTERM",
    answers: async () => (await fetch(readyz, { signal: AbortSignal.timeout(2000) })).ok,
    startTimeoutMs: o.startTimeoutMs ?? 60_000,
    log: (line) => {
      o.log?.(plan.name, line);
      lines.push(line);
      if (lines.length > LOG_LINES) lines.splice(0, LOG_LINES / 2);
    },
  });
  const at = (protocol: string, port: number | undefined) =>
    port === undefined ? undefined : `${protocol}://127.0.0.1:${port}`;
  return {
    url,
    mqttUrl: at("mqtt", plan.mqtt?.mqtt),
    mqttsUrl: at("mqtts", plan.mqtt?.mqtts),
    mqttWsUrl: at("ws", plan.mqtt?.ws),
    wsUrl: at("ws", plan.wsPort),
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
