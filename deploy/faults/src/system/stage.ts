import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  defaultCacheDir,
  freePort,
  NatsServerNotFound,
  obtainNatsServer,
  type RunningNats,
  type RunningPostgres,
  startNatsCluster,
  startPostgres,
} from "@fieldlog/servers";
import { SERVICES, type System, type SystemProcess, startSystem } from "@fieldlog/testkit";
import { type CertificateFiles, localCertificate } from "@fieldlog/tls";
import { Link, type Weathered } from "../proxy/link.js";
import { callsThroughLinks } from "./calls.js";
import { Door } from "./doors.js";
import { type Machine, machineOf } from "./machine.js";
import { Routes } from "./routes.js";

export interface StageOptions {
  /** Gets the data of NATS and PostgreSQL, and a log per process. */
  readonly folder: string;
  /** Processes of each service. */
  readonly replicas: number;
  /** Servers of NATS, and copies of each stream: 1 or 3. */
  readonly natsServers: number;
  /** The program; absent: one is obtained. */
  readonly nats?: string | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly progress: (message: string) => void;
}

/** ms until a process must be ready: with everything else down it waits, and is not to be given up. */
const START_MS = 600_000;

/** Everything that runs and may be hit: NATS, PostgreSQL, the services, and the links between them. */
export interface Stage {
  readonly adminKey: string;
  /** By name: `edge-http`, `edge-http-2`, `nats-1`, `postgres`, … */
  readonly machines: Readonly<Record<string, Machine>>;
  /** By name: `auth to nats`, `auth-2 to postgres`, `stations to edge-http-2`, … */
  readonly links: Map<string, Link>;
  /** By name: `nats-1 from the others`, …; none where there is but one. */
  readonly routes: ReadonlyMap<string, Weathered>;
  readonly doors: Readonly<Record<"http" | "https" | "mqtt" | "mqtts" | "ws", Door>>;
  /** PEM: the authority of the doors' certificate, which is for localhost. */
  readonly ca: string;
  readonly natsUrl: string;
  readonly nats: readonly RunningNats[];
  readonly postgresUrl: string;
  stop(): Promise<void>;
}

/** Starts all; resolves when every process is ready. */
export async function startStage(o: StageOptions): Promise<Stage> {
  const logs = new Logs(join(o.folder, "logs"));
  await logs.open();
  const ends: (() => Promise<unknown>)[] = [async () => logs.close()];
  const stop = async () => {
    for (const end of ends.reverse()) await end();
  };
  try {
    o.progress(`starting ${o.natsServers} NATS servers and PostgreSQL`);
    const binary = o.nats ?? (o.natsServers > 1 ? await forCluster(o.progress) : undefined);
    const routes = new Routes();
    const nats = await startNatsCluster({
      ...{ dataDir: o.folder, ...(binary !== undefined && { binary }) },
      size: o.natsServers,
      route: (from, to, port) => routes.add(from, to, port),
      log: (n, line) => logs.write(`nats-${n + 1}`, line),
    });
    ends.push(() => Promise.all([...nats.map((server) => server.stop()), routes.close()]));
    const postgres = await startPostgres({
      dataDir: join(o.folder, "postgres"),
      log: (line) => logs.write("postgres", line),
    });
    ends.push(() => postgres.stop());
    const links = new Map<string, Link>();
    ends.push(() => Promise.all([...links.values()].map((link) => link.close())));
    o.progress(`starting ${o.replicas === 1 ? "the services" : `${o.replicas} of each service`}`);
    const certificate = await localCertificate({ dir: join(o.folder, "tls"), hosts: ["localhost"] });
    const httpsPorts = await portsOf(o.replicas);
    const system = await services(o, { nats, postgres, links, logs, certificate, httpsPorts });
    ends.push(() => system.stop());
    const ca = await readFile(certificate.ca, "utf8");
    return { ...staged(system, { nats, postgres, links, httpsPorts, stop }), routes: routes.parts(), ca };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What can be had on this machine: with an older one the run finds out why it should be newer. */
async function forCluster(progress: (message: string) => void): Promise<string | undefined> {
  const options = { cacheDir: defaultCacheDir(), progress };
  try {
    return await obtainNatsServer({ ...options, forCluster: true });
  } catch (error) {
    if (!(error instanceof NatsServerNotFound)) throw error;
    progress(`${error.message}\nAn older one is taken, whose copies of the log may come apart.`);
    return obtainNatsServer(options);
  }
}

interface Servers {
  readonly nats: readonly RunningNats[];
  readonly postgres: RunningPostgres;
  readonly links: Map<string, Link>;
  /** Of each edge-http. */
  readonly httpsPorts: ReadonlyMap<string, number>;
}

async function services(
  o: StageOptions,
  servers: Servers & { logs: Logs; certificate: CertificateFiles },
): Promise<System> {
  const { nats, postgres, links, logs, certificate, httpsPorts } = servers;
  const names = namesOf(o.replicas);
  const addresses = new Map<string, Record<string, string>>();
  for (const name of names) {
    const toNats = await Link.to(
      `${name} to nats`,
      nats.map(
        ({ url }) =>
          () =>
            Number(new URL(url).port),
      ),
    );
    const toPostgres = await Link.to(`${name} to postgres`, [() => Number(new URL(postgres.url).port)]);
    for (const link of [toNats, toPostgres]) links.set(link.name, link);
    const httpsPort = httpsPorts.get(name);
    addresses.set(name, {
      ...(httpsPort !== undefined && { FIELDLOG_HTTPS_PORT: String(httpsPort) }),
      FIELDLOG_NATS_URL: nats.map(({ url }, n) => through(url, toNats.ports[n])).join(","),
      FIELDLOG_POSTGRES_URL: through(postgres.url, toPostgres.ports[0]),
    });
  }
  const [first] = nats;
  return startSystem({
    natsUrl: first?.url ?? "",
    natsMonitorUrl: first?.monitorUrl ?? "",
    postgresUrl: postgres.url,
    replicas: Object.fromEntries(SERVICES.map((name) => [name, o.replicas])),
    settings: {
      ...{ FIELDLOG_TLS_CERT: certificate.server, FIELDLOG_TLS_KEY: certificate.server },
      FIELDLOG_REPLICAS: String(o.natsServers),
      ...o.settings,
    },
    settingsOf: async (name, settings) => ({
      ...addresses.get(name),
      ...(await callsThroughLinks(links, name, settings)),
    }),
    startTimeoutMs: START_MS,
    log: (name, line) => logs.write(name, line),
  });
}

function staged(
  system: System,
  { nats, postgres, links, httpsPorts, stop }: Servers & { stop(): Promise<void> },
): Omit<Stage, "ca" | "routes"> {
  const machines: Record<string, Machine> = {};
  for (const [n, server] of nats.entries()) {
    machines[`nats-${n + 1}`] = machineOf(server, () => answersOk(`${server.monitorUrl}/healthz`));
  }
  machines["postgres"] = machineOf(postgres);
  for (const [name, process] of Object.entries(system.processes)) {
    machines[name] = machineOf(process, () => answersOk(`${process.opsUrl}/readyz`));
  }
  const door = (service: string, url: (process: SystemProcess, name: string) => string | undefined) =>
    new Door(
      links,
      Object.entries(system.processes).flatMap(([name, process]) => {
        const found = name.replace(/-\d+$/, "") === service ? url(process, name) : undefined;
        return found === undefined ? [] : [{ name, url: found }];
      }),
    );
  const doors = {
    http: door("edge-http", ({ url }) => url),
    https: door("edge-http", (_, name) => `https://localhost:${httpsPorts.get(name)}`),
    mqtt: door("edge-mqtt", ({ mqttUrl }) => mqttUrl),
    mqtts: door("edge-mqtt", ({ mqttsUrl }) => mqttsUrl),
    ws: door("edge-websocket", ({ wsUrl }) => wsUrl),
  };
  const natsUrl = nats.map(({ url }) => url).join(",");
  return {
    ...{ adminKey: system.adminKey, machines, links, doors, natsUrl, nats },
    ...{ postgresUrl: postgres.url, stop },
  };
}

async function portsOf(replicas: number): Promise<Map<string, number>> {
  const ports = new Map<string, number>();
  for (const name of namesOf(replicas)) {
    if (name.startsWith("edge-http")) ports.set(name, await freePort());
  }
  return ports;
}

function namesOf(replicas: number): string[] {
  return SERVICES.flatMap((name) =>
    Array.from({ length: replicas }, (_, n) => (n === 0 ? name : `${name}-${n + 1}`)),
  );
}

/** The same address, by way of a port on 127.0.0.1. */
function through(address: string, port: number | undefined): string {
  const url = new URL(address);
  url.port = String(port);
  return url.href;
}

/** Why it is not well; undefined: it is. */
async function answersOk(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    const text = await answer.text();
    return answer.ok ? undefined : `${answer.status} ${text.slice(0, 300)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** One file per process. */
class Logs {
  private readonly files = new Map<string, WriteStream>();

  constructor(private readonly folder: string) {}

  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
  }

  write(name: string, line: string): void {
    let file = this.files.get(name);
    if (!file) {
      file = createWriteStream(join(this.folder, `${name}.log`), { flags: "a" });
      this.files.set(name, file);
    }
    file.write(`${line}\n`);
  }

  close(): void {
    for (const file of this.files.values()) file.end();
  }
}
