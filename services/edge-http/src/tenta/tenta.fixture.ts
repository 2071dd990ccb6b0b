import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { devices, signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { freePort } from "@fieldlog/servers";
import { CALL_MS, encoded, type System, startServers, startSystem } from "@fieldlog/testkit";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import { operations } from "./operations.js";

// biome-ignore lint/suspicious/noExplicitAny: answers, of which each test knows what they are
type Json = any;
type Body = NonNullable<Extract<MessageInitShape<typeof signals.SignalSchema>, { device?: string }>["body"]>;

export interface Asked {
  token?: string | undefined;
  /** Of the edge that is asked; default: the first one's. */
  url?: string | undefined;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Answered {
  readonly status: number;
  readonly json: Json;
  readonly headers: Response["headers"];
}

export interface Person {
  readonly name: string;
  readonly id: string;
  readonly token: string;
  call(method: string, path: string, body?: unknown): Promise<Answered>;
}

/** A started system, and people and sensors that use it. */
export class Tenta {
  /** Successful operations so far. */
  readonly done = new Set<string>();
  private people = 0;

  private constructor(
    readonly system: System,
    readonly log: EventLog,
    private readonly devicesClient: RpcClient<typeof devices.DevicesService>,
    private readonly ajv: Ajv2020,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(label: string, edges = 1): Promise<Tenta> {
    const servers = await startServers();
    const internal = { token: "t".repeat(40), address: `127.0.0.1:${await freePort()}` };
    const system = await startSystem({
      ...{ natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl(label) },
      apart: { "edge-http": edges },
      settings: {
        FIELDLOG_PUBLIC_URL: "https://log.example.org",
        FIELDLOG_ENVIRONMENT: "test",
        FIELDLOG_INTERNAL_TOKEN: internal.token,
        FIELDLOG_DEVICES_GRPC: internal.address,
      },
    });
    const log = await connectLog({ url: servers.nats.url, name: label });
    const devicesClient = rpcClient(devices.DevicesService, { ...internal, deadlineMs: CALL_MS });
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({
      $id: "document",
      ...((await (await fetch(`${system.url}/openapi.json`)).json()) as object),
    });
    return new Tenta(system, log, devicesClient, ajv, async () => {
      devicesClient.close();
      await log.close();
      await system.stop();
      await servers.stop();
    });
  }

  /** Asks, and holds a successful answer against what the OpenAPI document says of it. */
  async call(method: string, path: string, asked: Asked = {}): Promise<Answered> {
    const { token, url = this.system.url, body, headers = {} } = asked;
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json: Json = text === "" ? undefined : JSON.parse(text);
    const { status } = response;
    if (status < 300) this.check(method, path.split("?")[0] ?? "", status, json);
    else
      expect(json).toEqual({ detail: json.details, details: expect.any(String), reason: expect.any(String) });
    return { status, json, headers: response.headers };
  }

  private check(method: string, path: string, status: number, json: Json): void {
    const found = Object.entries(operations).find(([, { method: own, path: pattern }]) => {
      return own === method && new RegExp(`^${pattern.replaceAll(/:\w+/g, "[^/]+")}$`).test(path);
    });
    const name = `${method} ${path}`;
    if (found === undefined) throw new Error(`${name} is no operation`);
    this.done.add(found[0]);
    if (json === undefined) return;
    const documented = found[1].path.replaceAll(/:(\w+)/g, "{$1}");
    const at = ["paths", documented, method.toLowerCase(), "responses", String(status), "content"];
    const pointer = [...at, "application/json", "schema"]
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    expect(this.ajv.validate(`document#/${pointer}`, json), `${name}: ${this.ajv.errorsText()}`).toBe(true);
  }

  /** A new user, who is logged in. */
  async person(name = `person-${++this.people}`): Promise<Person> {
    const { status, json } = await this.call("POST", "/users", {
      body: { user_name: name, password: "12345678" },
    });
    expect(status).toBe(201);
    const token: string = json.access_token;
    const call = (method: string, path: string, body?: unknown) => this.call(method, path, { token, body });
    return { name, id: json.user_identifier, token, call };
  }

  /** A network, of which the person is then the owner; its path. */
  async network(person: Person, name: string): Promise<string> {
    const { status, json } = await person.call("POST", "/networks", { network_name: name });
    expect(status).toBe(201);
    return `/networks/${json.network_identifier}`;
  }

  /** A sensor; its path. */
  async sensor(person: Person, network: string, name: string): Promise<string> {
    const { status, json } = await person.call("POST", `${network}/sensors`, { sensor_name: name });
    expect(status).toBe(201);
    return `${network}/sensors/${json.sensor_identifier}`;
  }

  /** What a sensor reported, as an MQTT door writes it. */
  async report(sensor: string, body: Body): Promise<void> {
    const [, , network = "", , device = ""] = sensor.split("/");
    const at = BigInt(Date.now());
    const publication = { topic: `x/${device}`, qos: 1, clientId: "sensor" };
    const signal = create(signals.SignalSchema, {
      device,
      receivedAt: at,
      occurredAt: at,
      publication,
      body,
    });
    await this.log.signals.append(network, encoded(signal));
  }

  measured(
    sensor: string,
    ...list: [at: number, revision: number | undefined, value: Record<string, number>][]
  ) {
    const measurements = list.map(([occurredAt, revision, value]) => ({
      ...{ occurredAt, attributes: Object.keys(value), values: Object.values(value) },
      ...(revision === undefined ? {} : { revision }),
    }));
    return this.report(sensor, { case: "measurements", value: { measurements } });
  }

  logged(sensor: string, ...entries: MessageInitShape<typeof signals.LogEntrySchema>[]) {
    return this.report(sensor, { case: "logEntries", value: { entries } });
  }

  /** What a sensor says of configurations, as an MQTT door passes it on. */
  async acknowledged(
    sensor: string,
    ...acknowledgments: MessageInitShape<typeof signals.AcknowledgmentSchema>[]
  ): Promise<void> {
    const [, , namespace = "", , device = ""] = sensor.split("/");
    await this.devicesClient.acknowledgeConfiguration({ namespace, device, acknowledgments });
  }
}

/** An identifier that nothing has. */
export const NOBODY = "575a7328-4e2e-4b88-afcc-e0b5ed3920cc";
