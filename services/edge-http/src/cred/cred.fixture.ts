import type { System } from "@fieldlog/testkit";

export type Json = Record<string, unknown>;

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** A cred client over real HTTP. */
export class CredClient {
  sessionKey = "";
  id = 0;

  constructor(readonly url: string) {}

  async ask(path: string, { method = "GET", body, headers = {} }: Asked = {}): Promise<Answered> {
    const form = body instanceof URLSearchParams;
    const raw = typeof body === "string" || form;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(this.sessionKey === "" ? {} : { cookie: `sessionKey=${this.sessionKey}` }),
        ...(body === undefined || form ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> {
    return this.ask(path, { method: "POST", body, headers });
  }

  /** Logs in, and remembers the session. */
  async login(apikey: string, more: Json = {}): Promise<Answered> {
    const answered = await this.post("/auth", { apikey, ...more });
    this.sessionKey = String(answered.json["sessionKey"] ?? "");
    this.id = Number(answered.json["id"] ?? 0);
    return answered;
  }

  async event(event: Json): Promise<number> {
    const { json } = await this.post("/events", { event });
    return (json["event"] as { id: number }).id;
  }

  /** A list's elements. */
  async list(path: string): Promise<Json[]> {
    const { json } = await this.ask(path);
    return Object.values(json).find(Array.isArray) as Json[];
  }

  async ids(path: string): Promise<number[]> {
    return (await this.list(path)).map(({ id }) => Number(id));
  }
}

/** The device of the original's own tests. */
export const THERMOSTAT = {
  device: "Thermostat",
  location: "Living Room",
  subscribe: { Light: { location: "Living Room" }, Alarm: {} },
};

/** A namespace of its own, and a key of kind cred for each permission. */
export async function credKeys(
  system: System,
  name: string,
): Promise<Record<"read" | "write" | "admin", string>> {
  await native(system, "POST", "namespaces", { name });
  const key = async (permission: string) => {
    const path = `namespaces/${name}/api-keys`;
    const { key } = await native(system, "POST", path, { kind: "cred", permission, name: permission });
    return String(key);
  };
  return { read: await key("read"), write: await key("write"), admin: await key("admin") };
}

export async function native(system: System, method: string, path: string, body?: Json): Promise<Json> {
  const response = await fetch(`${system.url}/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return text === "" ? {} : (JSON.parse(text) as Json);
}
