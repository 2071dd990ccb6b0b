import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@fieldlog/servers";
import { type System, startServers, startSystem, type TestServers } from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";
import { DeviceClient, type ProvisioningOperation, type StartOptions } from "./index.js";

export type Json = Record<string, unknown>;

export interface Asked {
  readonly status: number;
  readonly json: Json;
}

/** The started system, devices of it, and an operator. */
export class RealPlatform {
  /** Of devices of the namespace `test`. */
  options: Omit<StartOptions, "db">;
  private readonly clients: DeviceClient[] = [];

  private constructor(
    readonly dir: string,
    private readonly servers: TestServers,
    private readonly system: System,
    options: Omit<StartOptions, "db" | "provisioningToken">,
  ) {
    this.options = { ...options, provisioningToken: "" };
  }

  static async start(): Promise<RealPlatform> {
    const dir = await mkdtemp(join(tmpdir(), "fieldlog-device-e2e-"));
    const [files, httpsPort] = [await localCertificate({ dir, hosts: ["localhost"] }), await freePort()];
    const servers = await startServers();
    const system = await startSystem({
      ...{ natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("device_client") },
      inOneProcess: true,
      settings: {
        ...{ FIELDLOG_TLS_CERT: files.server, FIELDLOG_TLS_KEY: files.server },
        FIELDLOG_HTTPS_PORT: String(httpsPort),
      },
    });
    const platform = new RealPlatform(dir, servers, system, {
      instance: `localhost:${httpsPort}`,
      mqttPort: Number(new URL(system.mqttsUrl).port),
      ca: await readFile(files.ca, "utf8"),
      ...{ backOff: { firstMs: 20, mostMs: 200 }, approvalPollMs: 50 },
    });
    const provisioningToken = await platform.provisioningToken("test");
    platform.options = { ...platform.options, provisioningToken };
    return platform;
  }

  async stop(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    await this.system.stop();
    await this.servers.stop();
    await rm(this.dir, { recursive: true });
  }

  /** As an operator, or with another authorization. */
  async ask(method: string, path: string, body?: unknown, authorization?: string): Promise<Asked> {
    const response = await fetch(`${this.system.url}${path}`, {
      method,
      headers: {
        authorization: authorization ?? `Bearer ${this.system.adminKey}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: /^[{[]/.test(text) ? JSON.parse(text) : {} };
  }

  /** The same; a refusal is an error. */
  async done(method: string, path: string, body?: unknown, authorization?: string): Promise<Json> {
    const { status, json } = await this.ask(method, path, body, authorization);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  /** What is listed there. */
  async list(path: string, key: string): Promise<readonly Json[]> {
    return (await this.done("GET", path))[key] as readonly Json[];
  }

  async bytes(path: string): Promise<Buffer> {
    const headers = { authorization: `Bearer ${this.system.adminKey}` };
    return Buffer.from(await (await fetch(`${this.system.url}${path}`, { headers })).arrayBuffer());
  }

  async provisioningToken(workspace: string, more: Json = {}): Promise<string> {
    const created = await this.done("POST", `/workspaces/${workspace}/provisioning-tokens/create`, more);
    return String(created["provisioningToken"]);
  }

  async approve(
    { verificationCode }: ProvisioningOperation,
    { workspace = "test", ...more }: { workspace?: string; deviceId?: string } = {},
  ): Promise<void> {
    const path = `/workspaces/${workspace}/provisioning-operations/approve`;
    await this.done("PUT", path, { verificationCode, ...more });
  }

  /** A device that is let in at once, unless told otherwise. */
  async device(
    deviceId: string,
    more: Partial<StartOptions> = {},
    workspace = "test",
  ): Promise<DeviceClient> {
    const client = await DeviceClient.start({
      ...{ ...this.options, deviceId, db: join(this.dir, `${deviceId}.db`) },
      displayProvisioningOperation: (operation) => void this.approve(operation, { workspace }),
      ...more,
    });
    this.clients.push(client);
    return client;
  }
}
