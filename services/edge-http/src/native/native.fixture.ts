import { connectLog, type EventLog } from "@fieldlog/event-log";
import { type System, type SystemOptions, startServers, startSystem } from "@fieldlog/testkit";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import { fieldsOf, statusOf } from "../csn/hand.fixture.js";

export type Json = { [key: string]: unknown };

interface Documented {
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        tags: string[];
        responses: Record<string, { content?: Record<string, { schema: Json }> }>;
      }
    >
  >;
  components: { schemas: Record<string, Json> };
}

export interface CallOptions {
  /** Default: the admin key; null: none. */
  key?: string | null;
  query?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** A started system, called as its OpenAPI document describes. */
export class Native {
  /** Operations that were answered with success, as `method path`. */
  readonly answered = new Set<string>();

  private constructor(
    readonly system: System,
    readonly log: EventLog,
    readonly document: Documented,
    readonly postgresUrl: string,
    private readonly ajv: Ajv2020,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(more: Pick<SystemOptions, "log" | "settings"> = {}): Promise<Native> {
    const servers = await startServers();
    const postgresUrl = await servers.databaseUrl("native");
    const system = await startSystem({ inOneProcess: true, natsUrl: servers.nats.url, postgresUrl, ...more });
    const log = await connectLog({ url: servers.nats.url, name: "native test" });
    const document = (await (await fetch(`${system.url}/openapi.json`)).json()) as Documented;
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "document", ...document });
    return new Native(system, log, document, postgresUrl, ajv, async () => {
      await log.close();
      await system.stop();
      await servers.stop();
    });
  }

  /** Calls an operation of the document, and holds the answer against what the document says of it. */
  async call(
    method: string,
    path: string,
    params: Record<string, string> = {},
    { key = this.system.adminKey, query = "", body, headers = {} }: CallOptions = {},
  ): Promise<{ status: number; headers: Response["headers"]; json: Json }> {
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? "");
    const response = await fetch(`${this.system.url}${url}${query}`, {
      method: method.toUpperCase(),
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { status } = response;
    const type = response.headers.get("content-type")?.split(";")[0] ?? "";
    const text = await response.text();
    this.check(method, path, status, type, text);
    if (status < 300) this.answered.add(`${method} ${path}`);
    const json = text.startsWith("{") ? (JSON.parse(text) as Json) : {};
    return { status, headers: response.headers, json };
  }

  /** Calls an operation whose answer has no end; what comes of it first. */
  async begins(method: string, path: string, params: Record<string, string>): Promise<string> {
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? "");
    const headers = { authorization: `Bearer ${this.system.adminKey}` };
    const response = await fetch(`${this.system.url}${url}`, { method: method.toUpperCase(), headers });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const text = Buffer.from((await reader.read()).value ?? []).toString();
    await reader.cancel();
    const { content } = this.document.paths[path]?.[method]?.responses[response.status] ?? {};
    expect(Object.keys(content ?? {})).toEqual([response.headers.get("content-type")]);
    if (response.ok) this.answered.add(`${method} ${path}`);
    return text;
  }

  /** Holds an answer against what the document says of it. */
  check(method: string, path: string, status: number, type: string, text: string): void {
    const described = this.document.paths[path]?.[method]?.responses[status];
    expect(described, `${method} ${path} answers ${status}`).toBeDefined();
    if (described?.content === undefined) {
      expect(text).toBe("");
      return;
    }
    expect(Object.keys(described.content)).toContain(type);
    if (!type.endsWith("json")) return;
    const at = ["paths", path, method, "responses", String(status), "content", type, "schema"];
    const pointer = at
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const valid = this.ajv.validate(`document#/${pointer}`, JSON.parse(text));
    expect(valid, `${method} ${path}: ${this.ajv.errorsText()}`).toBe(true);
  }

  /** Sends a CSN message to namespace test, which is taken. */
  async csn(path: string, body: Uint8Array) {
    const response = await fetch(`${this.system.url}/api/v1/test/${path}`, {
      method: "POST",
      body: body as Uint8Array<ArrayBuffer>,
    });
    const answer = new Uint8Array(await response.arrayBuffer());
    expect(statusOf(answer).type).toBe(0);
    this.answered.add(`post /api/v1/{ns}/${path.replace(/\d{10,}/, "{id}")}`);
    return { fields: fieldsOf(answer), position: Number(response.headers.get("fieldlog-position")) };
  }
}
