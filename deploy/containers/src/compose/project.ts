import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, run } from "@fieldlog/servers";
import { within } from "@fieldlog/upgrade";

const PORTS = [
  ...["FIELDLOG_HTTP_PORT", "FIELDLOG_HTTPS_PORT", "FIELDLOG_MQTT_PORT", "FIELDLOG_MQTTS_PORT"],
  ...["FIELDLOG_MQTT_WS_PORT", "FIELDLOG_MQTT_WSS_PORT", "FIELDLOG_WS_PORT", "FIELDLOG_WSS_PORT"],
];
const MINUTE_MS = 60_000;
/** The first build fetches and builds everything. */
const BUILD_MS = 40 * MINUTE_MS;

/** What `docker inspect` says of a container, as far as it is looked at. */
export interface Inspected {
  readonly Name: string;
  readonly Config: { readonly Image: string; readonly User: string };
  readonly State: {
    readonly Running: boolean;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    /** Absent: it has no health check. */
    readonly Health?: { readonly Status: string };
  };
  readonly RestartCount: number;
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
  };
}

/** Healthy, or without a health check, or ended as it should. */
function isWell({ Running, ExitCode, Health }: Inspected["State"]): boolean {
  return Running ? (Health?.Status ?? "healthy") === "healthy" : ExitCode === 0;
}

/** docker-compose.yml as a project of its own: other ports, images of another version, volumes that go with it. */
export class Project {
  private constructor(
    private readonly options: readonly string[],
    private readonly settings: ReadonlyMap<string, string>,
  ) {}

  /**
   * @param root of the repository
   * @param folder for its `.env`
   * @param overrides further compose files, for what a machine cannot grant
   */
  static async of(root: string, folder: string, overrides: readonly string[]): Promise<Project> {
    const env = join(folder, ".env");
    await run(process.execPath, [join(root, "deploy", "secrets.mjs"), env]);
    let text = (await readFile(env, "utf8")).replace(/^FIELDLOG_VERSION=.*$/m, "FIELDLOG_VERSION=check");
    for (const port of PORTS) {
      text = text.replace(new RegExp(`^${port}=.*$`, "m"), `${port}=${await freePort()}`);
    }
    await writeFile(env, text);
    const settings = text.split("\n").filter((line) => /^[A-Z_0-9]+=/.test(line));
    const files = [join(root, "docker-compose.yml"), ...overrides].flatMap((file) => ["--file", file]);
    const profiles = ["demo", "tls"].flatMap((profile) => ["--profile", profile]);
    return new Project(
      ["--project-name", "fieldlog-check", "--env-file", env, ...files, ...profiles],
      new Map(settings.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string])),
    );
  }

  setting(name: string): string {
    const value = this.settings.get(name);
    if (value === undefined) throw new Error(`.env has no ${name}`);
    return value;
  }

  /** `docker compose …`; its standard output. Raises CommandFailed. */
  compose(...args: readonly string[]): Promise<string> {
    const timeoutMs = args[0] === "build" ? BUILD_MS : 10 * MINUTE_MS;
    return run("docker", ["compose", ...this.options, ...args], { timeoutMs });
  }

  /**
   * Starts what does not run; resolves when all that runs and can tell is healthy. Not by `--wait`, which takes one without a
   * health check for a mistake. Raises CommandFailed, and an Error after three minutes.
   */
  async up(...services: readonly string[]): Promise<void> {
    await this.compose("up", "--detach", ...services);
    let sick: string[] = [];
    const healthy = await within(async () => {
      const all = await this.containers();
      sick = all.filter(({ State }) => !isWell(State)).map(({ Name }) => Name.slice(1));
      return sick.length === 0;
    });
    if (!healthy) throw new Error(`not healthy: ${sick.join(", ")}`);
  }

  /** Names of those services whose image is ours. */
  async services(): Promise<string[]> {
    const config = JSON.parse(await this.compose("config", "--format", "json")) as {
      services: Record<string, { image: string }>;
    };
    return Object.entries(config.services)
      .filter(([, { image }]) => image.includes("fieldlog/"))
      .map(([name]) => name);
  }

  /** Its containers, also those that have ended. */
  async containers(): Promise<Inspected[]> {
    const ids = (await this.compose("ps", "--all", "--quiet")).split("\n").filter((id) => id !== "");
    return JSON.parse(await run("docker", ["inspect", ...ids])) as Inspected[];
  }

  /** Removes it with its volumes. */
  async remove(): Promise<void> {
    await this.compose("--profile", "*", "down", "--volumes", "--remove-orphans");
  }
}
