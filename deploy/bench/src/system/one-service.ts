import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import {
  environment,
  freePort,
  type RunningNats,
  type RunningPostgres,
  ServerProcess,
  startNats,
  startPostgres,
} from "@fieldlog/servers";
import type { BenchmarkContext } from "../frame/benchmark.js";
import type { Profiler } from "../profile/profiler.js";
import { freshDatabase } from "./fresh-database.js";
import { withUsage } from "./process-usage.js";

const HOST = "127.0.0.1";
const READY_MS = 120_000;

/** What can stand alone beside a log and a database. */
type Name = "liveness" | "streams" | "projections";

/** A log, a database and one service's process, which can be stopped and started. */
export class OneService {
  readonly token = randomBytes(32).toString("hex");
  readonly #installationKey = randomBytes(32).toString("base64");
  private process: ServerProcess | undefined;
  private databases = 0;

  private constructor(
    private readonly name: Name,
    private readonly folder: string,
    private readonly nats: RunningNats,
    readonly postgres: RunningPostgres,
    readonly log: EventLog,
    readonly grpc: string,
    private readonly progress: (line: string) => void,
    private readonly profiler: Profiler | undefined,
  ) {}

  static async open(
    name: Name,
    context: Pick<BenchmarkContext, "folder" | "progress" | "profiler">,
  ): Promise<OneService> {
    const { folder, progress, profiler } = context;
    const nats = await startNats({ dataDir: join(folder, "nats"), syncAlways: true });
    const postgres = await startPostgres({ dataDir: join(folder, "postgres") });
    const log = await connectLog({ url: nats.url, name: "bench" });
    const grpc = `${HOST}:${await freePort()}`;
    return new OneService(name, folder, nats, postgres, log, grpc, progress, profiler);
  }

  /** 0: it does not run. */
  get pid(): number {
    return this.process?.pid ?? 0;
  }

  /** Its work is measured meanwhile: how many processors it and the log keep busy. @param what is measured */
  async measured<T>(what: string, work: () => Promise<T>) {
    const pids = { [this.name]: this.pid, nats: this.nats.pid };
    return withUsage(pids, work, { what, profiler: this.profiler });
  }

  /** A further, empty database; goes away with the folder. */
  async freshDatabase(): Promise<string> {
    return freshDatabase(this.postgres.url, `${this.name}_${++this.databases}`);
  }

  /** Resolves when it is ready; how many seconds that took. */
  async start(postgresUrl = this.postgres.url): Promise<number> {
    const begun = performance.now();
    const opsPort = await freePort();
    this.process = new ServerProcess({
      name: this.name,
      dataDir: this.folder,
      command: process.execPath,
      args: [
        ...((await this.profiler?.options(this.name)) ?? []),
        fileURLToPath(new URL("./main.js", import.meta.resolve(`@fieldlog/${this.name}`))),
      ],
      env: {
        PATH: environment()["PATH"],
        NODE_ENV: "production",
        FIELDLOG_NATS_URL: this.nats.url,
        FIELDLOG_NATS_MONITOR_URL: this.nats.monitorUrl,
        FIELDLOG_POSTGRES_URL: postgresUrl,
        FIELDLOG_DATA_DIR: join(this.folder, "data"),
        FIELDLOG_INTERNAL_TOKEN: this.token,
        FIELDLOG_INSTALLATION_KEY: this.#installationKey,
        [`FIELDLOG_${this.name.toUpperCase()}_GRPC`]: this.grpc,
        FIELDLOG_OPS_PORT: String(opsPort),
        FIELDLOG_LOG_LEVEL: "warn",
      },
      pidFile: join(this.folder, `${this.name}.pid`),
      stopSignal: "SIGTERM",
      answers: async () =>
        (await fetch(`http://${HOST}:${opsPort}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
      startTimeoutMs: READY_MS,
      log: this.progress,
    });
    await this.process.start();
    this.profiler?.started(this.name, this.pid);
    return (performance.now() - begun) / 1_000;
  }

  async stop(): Promise<void> {
    await this.process?.stop();
    this.process = undefined;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.log.close();
    await this.postgres.stop();
    await this.nats.stop();
  }
}
