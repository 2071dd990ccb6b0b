import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CALLED, grpcSetting } from "@fieldlog/processes";
import { freePort, ServerProcess } from "@fieldlog/servers";
import type { PROGRAMS } from "./bundle.js";

/** Ports that a process with all services opens, and their settings; a version takes those that it knows. */
const PORTS = [
  ...["FIELDLOG_HTTP_PORT", "FIELDLOG_HTTPS_PORT", "FIELDLOG_MQTT_PORT", "FIELDLOG_MQTTS_PORT"],
  ...["FIELDLOG_MQTT_WS_PORT", "FIELDLOG_MQTT_WSS_PORT", "FIELDLOG_WS_PORT", "FIELDLOG_WSS_PORT"],
];

type Settings = Readonly<Record<string, string>>;

/** A running process of a version. */
export interface Running {
  readonly name: string;
  /** Where people and devices reach it. */
  readonly url: string;
  readonly process: ServerProcess;
  /** Where its services are called. */
  readonly addresses: Settings;
  log(): string;
}

/** One of the two versions, bundled. */
export class Version {
  private constructor(
    readonly name: string,
    private readonly programs: string,
    private readonly known: ReadonlySet<string>,
    private readonly shared: Settings,
    private readonly folder: string,
  ) {}

  /** @param root of its sources */
  static async of(
    name: string,
    root: string,
    programs: string,
    shared: Settings,
    folder: string,
  ): Promise<Version> {
    const table = await readFile(join(root, "libs/runtime/src/settings-table.ts"), "utf8");
    const calls = CALLED.map(grpcSetting);
    const known = new Set([...(table.match(/\bFIELDLOG_[A-Z0-9_]+/g) ?? []), ...calls]);
    return new Version(name, programs, known, shared, folder);
  }

  /** All services in one process. */
  async whole(): Promise<Running> {
    const addresses: Record<string, string> = {};
    for (const service of CALLED) addresses[grpcSetting(service)] = `127.0.0.1:${await freePort()}`;
    return await this.start(`${this.name} services`, "whole", addresses);
  }

  /** A door that calls the services of another process. */
  async door(services: Running): Promise<Running> {
    return await this.start(`${this.name} door on ${services.name}`, "door", services.addresses);
  }

  private async start(name: string, program: keyof typeof PROGRAMS, addresses: Settings): Promise<Running> {
    const ports: Record<string, string> = {};
    for (const setting of program === "whole" ? PORTS : PORTS.slice(0, 2))
      ports[setting] = String(await freePort());
    const ops = await freePort();
    const dataDir = join(this.folder, name.replaceAll(" ", "-"));
    const wanted = {
      ...this.shared,
      ...addresses,
      ...ports,
      FIELDLOG_OPS_PORT: String(ops),
      FIELDLOG_DATA_DIR: dataDir,
    };
    // What a version does not know it refuses.
    const settings = Object.entries(wanted).filter(([setting]) => this.known.has(setting));
    const lines: string[] = [];
    const own = Object.entries(process.env).filter(
      ([variable]) => !/^(FIELDLOG_|NODE_OPTIONS$)/.test(variable),
    );
    const server = new ServerProcess({
      ...{
        name,
        dataDir: this.folder,
        command: process.execPath,
        args: [join(this.programs, `${program}.mjs`)],
      },
      env: Object.fromEntries([...own, ...settings]),
      pidFile: join(this.folder, `${name.replaceAll(" ", "-")}.pid`),
      stopSignal: "SIGTERM",
      answers: async () =>
        (await fetch(`http://127.0.0.1:${ops}/readyz`, { signal: AbortSignal.timeout(5_000) })).ok,
      startTimeoutMs: 180_000,
      // Its log, and not the welcome, which shows a key.
      log: (line) => void (line.startsWith("{") && lines.push(line)),
    });
    await server.start();
    const url = `http://127.0.0.1:${ports["FIELDLOG_HTTP_PORT"]}`;
    return { name, url, process: server, addresses, log: () => lines.slice(-200).join("\n") };
  }
}
