import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  environment,
  freePort,
  type RunningNats,
  type RunningPostgres,
  ServerProcess,
  startNats,
} from "@fieldlog/servers";
import type { Address } from "../load/orders.js";
import type { Profiler } from "../profile/profiler.js";
import { freshDatabase } from "./fresh-database.js";

const HOST = "127.0.0.1";
const READY_MS = 60_000;

const DOORS = ["edge-http", "edge-mqtt", "edge-websocket"] as const;
type Door = (typeof DOORS)[number];
type ServiceName = "auth" | "devices" | "projections" | "sampling" | Door;
/** Beside the door, at an address of its own. */
type Ports = Readonly<Record<"auth" | "devices" | "projections" | "sampling" | "http", number>>;

/** Fieldlog as in production, one process per service, on a log and a database of its own. */
export class System {
  readonly adminKey = `fl_${randomBytes(32).toString("base64url")}`;
  readonly internalToken = randomBytes(32).toString("hex");
  readonly #installationKey = randomBytes(32).toString("base64");
  readonly #running = new Map<ServiceName, ServerProcess>();
  #databases = 0;

  private constructor(
    private readonly options: {
      readonly folder: string;
      readonly name: string;
      readonly commit: "group" | "single";
      readonly postgres: RunningPostgres;
      /** Through which devices come in. */
      readonly door: Door;
      readonly profiler: Profiler | undefined;
      /** Gets the lines that the services log: warnings and errors. */
      readonly log: (line: string) => void;
    },
    readonly nats: RunningNats,
    readonly edge: Address,
    private readonly ports: Ports,
    private databaseUrl: string,
  ) {}

  /** Starts NATS (flushing always), auth, devices and the door; not the read model. */
  static async start(options: System["options"]): Promise<System> {
    const nats = await startNats({ dataDir: join(options.folder, `${options.name}-nats`), syncAlways: true });
    let system: System | undefined;
    try {
      const [edge, auth, devices, projections, sampling, http] = [
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
      ];
      const ports = { auth, devices, projections, sampling, http };
      system = new System(options, nats, { host: HOST, port: edge }, ports, "");
      system.databaseUrl = await system.freshDatabase();
      await system.startService("auth");
      await system.startService("devices");
      await system.startService(options.door);
      return system;
    } catch (error) {
      await (system ?? nats).stop();
      throw error;
    }
  }

  /** Of edge-http. */
  get url(): string {
    return `http://${this.edge.host}:${this.edge.port}`;
  }

  /** Where auth, devices and projections are called. */
  grpc(service: "auth" | "devices" | "projections"): { address: string; token: string } {
    return { address: `${HOST}:${this.ports[service]}`, token: this.internalToken };
  }

  /** Where to ask for the read models' state. */
  get projectionsGrpc(): string {
    return `${HOST}:${this.ports.projections}`;
  }

  /** A fresh process of the door. */
  async restartEdge(): Promise<void> {
    await this.stopService(this.options.door);
    await this.startService(this.options.door);
  }

  /** The HTTP door beside another one. */
  async startHttp(): Promise<Address> {
    await this.startService("edge-http");
    return { host: HOST, port: this.doorPort("edge-http") };
  }

  /** What asks boards to sample. */
  startSampling(): Promise<void> {
    return this.startService("sampling");
  }

  /** The read models, in a database of their own. Resolves at once, for whoever wants to watch it begin. */
  startProjections(databaseUrl: string): Promise<void> {
    return this.startService("projections", { FIELDLOG_POSTGRES_URL: databaseUrl });
  }

  /** The process of a service; 0 where it does not run. */
  pid(name: ServiceName): number {
    return this.#running.get(name)?.pid ?? 0;
  }

  async stopService(name: ServiceName): Promise<void> {
    const service = this.#running.get(name);
    this.#running.delete(name);
    await service?.stop();
  }

  async stop(): Promise<void> {
    for (const name of [...this.#running.keys()].reverse()) await this.stopService(name);
    await this.nats.stop();
  }

  /** An empty database; goes away with the server's folder. */
  freshDatabase(): Promise<string> {
    const name = `${this.options.name.replaceAll("-", "_")}_${++this.#databases}`;
    return freshDatabase(this.options.postgres.url, name);
  }

  private doorPort(name: ServiceName): number {
    return name === "edge-http" && this.options.door !== name ? this.ports.http : this.edge.port;
  }

  private async startService(name: ServiceName, more: Record<string, string> = {}): Promise<void> {
    const { folder, name: system, commit, profiler } = this.options;
    const opsPort = await freePort();
    const readyUrl = `http://${HOST}:${opsPort}/readyz`;
    const main = fileURLToPath(new URL("./main.js", import.meta.resolve(`@fieldlog/${name}`)));
    const service = new ServerProcess({
      name,
      dataDir: folder,
      command: process.execPath,
      args: [...((await profiler?.options(name)) ?? []), main],
      env: {
        PATH: environment()["PATH"],
        NODE_ENV: "production",
        FIELDLOG_NATS_URL: this.nats.url,
        FIELDLOG_NATS_MONITOR_URL: this.nats.monitorUrl,
        FIELDLOG_POSTGRES_URL: this.databaseUrl,
        FIELDLOG_DATA_DIR: join(folder, `${system}-data`),
        FIELDLOG_INTERNAL_TOKEN: this.internalToken,
        FIELDLOG_INSTALLATION_KEY: this.#installationKey,
        FIELDLOG_ADMIN_KEY: this.adminKey,
        FIELDLOG_AUTH_GRPC: `${HOST}:${this.ports.auth}`,
        FIELDLOG_DEVICES_GRPC: `${HOST}:${this.ports.devices}`,
        FIELDLOG_PROJECTIONS_GRPC: `${HOST}:${this.ports.projections}`,
        FIELDLOG_SAMPLING_GRPC: `${HOST}:${this.ports.sampling}`,
        // Nothing that is measured needs it.
        FIELDLOG_SUBSCRIPTIONS_GRPC: `${HOST}:1`,
        // It tells where pictures are to be seen.
        ...(name === "edge-http" && this.options.door === "edge-websocket"
          ? { FIELDLOG_WS_PORT: String(this.edge.port) }
          : {}),
        [portSetting(name)]: String(this.doorPort(name)),
        FIELDLOG_MQTT_WS_PORT: "0",
        FIELDLOG_COMMIT: commit,
        FIELDLOG_LOG_LEVEL: "warn",
        FIELDLOG_OPS_PORT: String(opsPort),
        ...more,
      },
      pidFile: join(folder, `${system}-${name}.pid`),
      stopSignal: "SIGTERM",
      answers: async () =>
        name === "projections" || (await fetch(readyUrl, { signal: AbortSignal.timeout(2_000) })).ok,
      startTimeoutMs: READY_MS,
      log: this.options.log,
    });
    this.#running.set(name, service);
    await service.start();
    profiler?.started(name, service.pid);
  }
}

function portSetting(name: ServiceName): string {
  if (name === "edge-mqtt") return "FIELDLOG_MQTT_PORT";
  return name === "edge-websocket" ? "FIELDLOG_WS_PORT" : "FIELDLOG_HTTP_PORT";
}
