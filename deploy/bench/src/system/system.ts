import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { freePort, type RunningNats, type RunningPostgres, startNats } from "@fieldlog/servers";
import pg from "pg";
import type { Address } from "../load/orders.js";
import { ServiceProcess } from "./service-process.js";

const HOST = "127.0.0.1";

/** Fieldlog as in production, one process per service, on a log and a database of its own. */
export class System {
  readonly adminKey = `fl_${randomBytes(32).toString("base64url")}`;
  readonly internalToken = randomBytes(32).toString("hex");
  readonly #installationKey = randomBytes(32).toString("base64");
  readonly #running: ServiceProcess[] = [];
  #databases = 0;

  private constructor(
    private readonly options: {
      readonly folder: string;
      readonly name: string;
      readonly commit: "group" | "single";
      readonly postgres: RunningPostgres;
    },
    readonly nats: RunningNats,
    readonly edge: Address,
    private readonly ports: Readonly<Record<"auth" | "devices" | "projections", number>>,
    private databaseUrl: string,
  ) {}

  /** Starts NATS (flushing always), auth, devices and edge-http; not the read model. */
  static async start(options: System["options"]): Promise<System> {
    const nats = await startNats({ dataDir: join(options.folder, `${options.name}-nats`), syncAlways: true });
    try {
      const [edge, auth, devices, projections] = [
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
      ];
      const ports = { auth, devices, projections };
      const system = new System(options, nats, { host: HOST, port: edge }, ports, "");
      system.databaseUrl = await system.freshDatabase();
      await system.startService("auth");
      await system.startService("devices");
      await system.startEdge();
      return system;
    } catch (error) {
      await nats.stop();
      throw error;
    }
  }

  get url(): string {
    return `http://${this.edge.host}:${this.edge.port}`;
  }

  /** Where to ask for the read models' state. */
  get projectionsGrpc(): string {
    return `${HOST}:${this.ports.projections}`;
  }

  startEdge(): Promise<ServiceProcess> {
    return this.startService("edge-http");
  }

  /** The read models, in a database of their own. Resolves at once, for whoever wants to watch it begin. */
  startProjections(databaseUrl: string): Promise<ServiceProcess> {
    return this.startService("projections", { FIELDLOG_POSTGRES_URL: databaseUrl });
  }

  process(name: string): ServiceProcess | undefined {
    return this.#running.find((service) => service.name === name);
  }

  async stopService(name: string): Promise<void> {
    const service = this.process(name);
    if (!service) return;
    this.#running.splice(this.#running.indexOf(service), 1);
    await service.stop();
  }

  async stop(): Promise<void> {
    for (const service of this.#running.splice(0).reverse()) await service.stop();
    await this.nats.stop();
  }

  /** An empty database; goes away with the server's folder. */
  async freshDatabase(): Promise<string> {
    const name = `${this.options.name.replaceAll("-", "_")}_${++this.#databases}`;
    const client = new pg.Client({ connectionString: this.options.postgres.url });
    await client.connect();
    try {
      await client.query(`create database ${name}`);
    } finally {
      await client.end();
    }
    const url = new URL(this.options.postgres.url);
    url.pathname = name;
    return url.href;
  }

  private async startService(
    name: "auth" | "devices" | "projections" | "edge-http",
    more: Record<string, string> = {},
  ): Promise<ServiceProcess> {
    const opsPort = name === "edge-http" ? this.edge.port : await freePort();
    const service = ServiceProcess.start(name, {
      env: {
        FIELDLOG_NATS_URL: this.nats.url,
        FIELDLOG_NATS_MONITOR_URL: this.nats.monitorUrl,
        FIELDLOG_POSTGRES_URL: this.databaseUrl,
        FIELDLOG_DATA_DIR: join(this.options.folder, `${this.options.name}-data`),
        FIELDLOG_INTERNAL_TOKEN: this.internalToken,
        FIELDLOG_INSTALLATION_KEY: this.#installationKey,
        FIELDLOG_ADMIN_KEY: this.adminKey,
        FIELDLOG_AUTH_GRPC: `${HOST}:${this.ports.auth}`,
        FIELDLOG_DEVICES_GRPC: `${HOST}:${this.ports.devices}`,
        FIELDLOG_PROJECTIONS_GRPC: `${HOST}:${this.ports.projections}`,
        FIELDLOG_HTTP_PORT: String(this.edge.port),
        FIELDLOG_COMMIT: this.options.commit,
        FIELDLOG_LOG_LEVEL: "warn",
        ...(name === "edge-http" ? {} : { FIELDLOG_OPS_PORT: String(opsPort) }),
        ...more,
      },
      logFile: join(this.options.folder, `${this.options.name}-${name}.txt`),
    });
    this.#running.push(service);
    if (name !== "projections") await service.ready(`http://${HOST}:${opsPort}/readyz`);
    return service;
  }
}
