import { type System, until } from "@fieldlog/testkit";
import { decode, encode } from "cborg";
import { WebSocket } from "ws";

export type Json = Record<string, unknown>;

/** A client of the door, as somebody writes it in an afternoon. */
export class Client {
  readonly got: Json[] = [];
  closed: { code: number; reason: string } | undefined;
  private readonly socket: WebSocket;

  constructor(
    url: string,
    { key, protocol = "fieldlog.json" }: { key?: string | undefined; protocol?: string } = {},
  ) {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    this.socket = new WebSocket(`${url}/v1/subscribe`, protocol, { headers });
    this.socket.on("message", (data: Buffer, isBinary) => {
      this.got.push(isBinary ? decode(data) : JSON.parse(data.toString()));
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  /** One that has said that. */
  static async saying(
    url: string,
    message: Json,
    options: { key?: string; protocol?: string },
  ): Promise<Client> {
    const client = new Client(url, options);
    await client.open();
    client.say(message);
    return client;
  }

  /** One that is told that it has subscribed. */
  static async subscribed(
    url: string,
    message: Json,
    options: { key?: string; protocol?: string },
  ): Promise<Client> {
    const client = await Client.saying(url, { type: "subscribe", ...message }, options);
    await until("subscribed", () => client.of("subscribed").length === 1 || raise(client));
    return client;
  }

  async open(): Promise<void> {
    await until("open", () => this.socket.readyState === WebSocket.OPEN);
  }

  say(message: Json): void {
    this.sayRaw(this.socket.protocol === "fieldlog.cbor" ? encode(message) : JSON.stringify(message));
  }

  sayRaw(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** Messages of that type. */
  of(type: string): Json[] {
    return this.got.filter((each) => each["type"] === type);
  }

  get events(): Json[] {
    return this.of("event").map(({ event }) => event as Json);
  }

  get values(): unknown[] {
    return this.events.map(({ value }) => value);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.close();
  }

  terminate(): void {
    this.socket.terminate();
  }
}

function raise(client: Client): false {
  if (client.closed !== undefined) throw new Error(JSON.stringify([client.closed, client.got]));
  return false;
}

/** The native API of a started system. */
export class Api {
  constructor(private readonly system: System) {}

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; json: Json }> {
    const response = await fetch(`${this.system.url}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.system.adminKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text === "" ? {} : (JSON.parse(text) as Json) };
  }

  /** Publishes events in that order; resolves to the positions. */
  async publish(events: readonly Json[], namespace = "test"): Promise<number[]> {
    const positions: number[] = [];
    for (let i = 0; i < events.length; i += 500) {
      const { status, json } = await this.call(
        "POST",
        `namespaces/${namespace}/events`,
        events.slice(i, i + 500),
      );
      if (status !== 200) throw new Error(JSON.stringify(json));
      positions.push(...(json["results"] as { position: number }[]).map(({ position }) => position));
    }
    return positions;
  }

  async key(permission: string, more: Json = {}): Promise<{ id: string; key: string }> {
    const { json } = await this.call("POST", "namespaces/test/api-keys", {
      kind: "native",
      permission,
      ...more,
    });
    return { id: String(json["id"]), key: String(json["key"]) };
  }
}
