import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "eventsource";
import { connectAsync } from "mqtt";
import { WebSocket } from "ws";

/** What a test publishes: its `n`-th event of publisher `p`. */
interface Event {
  readonly id: string;
  readonly position: number;
  readonly data: { readonly p: number; readonly n: number };
}

/** A subscriber that comes back by itself, and keeps what it heard. */
export interface WayOut {
  readonly name: string;
  readonly heard: readonly Event[];
  /** Whether the subscriber keeps its own position, so that nothing may come twice. */
  readonly exact: boolean;
  stop(): Promise<void>;
}

export interface Door {
  readonly url: string;
  readonly wsUrl: string;
  readonly mqttUrl: string;
  readonly key: string;
  readonly namespace: string;
}

const RETRY_MS = 200;
const FILTER = { names: ["tick"] };

/** Server-sent events, by npm's `eventsource`; from the beginning, or where a subscription is. */
export function serverSentEvents(door: Door, subscription?: string): WayOut {
  const heard: Event[] = [];
  const query = subscription === undefined ? "names=tick&from=beginning" : `subscription=${subscription}`;
  const source = new EventSource(`${door.url}/v1/namespaces/${door.namespace}/events/stream?${query}`, {
    fetch: async (input, init) => {
      const headers = { ...init.headers, authorization: `Bearer ${door.key}` };
      const response = await fetch(input, { ...init, headers });
      // This client gives up for good at any other answer; a proxy would hold it back until the door is open.
      if (response.status === 503) throw new Error("the door is not ready");
      return response;
    },
  });
  source.addEventListener("event", ({ data }) => heard.push(JSON.parse(data) as Event));
  const name = subscription === undefined ? "server-sent events" : "server-sent events of a subscription";
  return { name, heard, exact: subscription === undefined, stop: async () => source.close() };
}

/** A WebSocket that asks again behind the last event that it got, or acknowledges what it has. */
export function webSocket(door: Door, subscription?: string): WayOut {
  const heard: Event[] = [];
  let socket: WebSocket | undefined;
  let stopped = false;
  const open = () => {
    if (stopped) return;
    const opened = new WebSocket(`${door.wsUrl}/v1/subscribe`, ["fieldlog.json"], {
      headers: { authorization: `Bearer ${door.key}` },
    });
    socket = opened;
    opened.on("open", () => {
      const from = heard.at(-1)?.position ?? "beginning";
      const which = subscription === undefined ? { filter: FILTER, from } : { subscription };
      opened.send(JSON.stringify({ type: "subscribe", namespace: door.namespace, ...which }));
    });
    opened.on("message", (text) => {
      const message = JSON.parse(String(text)) as { type: string; event: Event };
      if (message.type !== "event") return;
      heard.push(message.event);
      if (subscription !== undefined) {
        opened.send(JSON.stringify({ type: "ack", position: message.event.position }));
      }
    });
    opened.on("error", () => undefined);
    opened.on("close", () => setTimeout(open, RETRY_MS));
  };
  open();
  const stop = async () => {
    stopped = true;
    socket?.terminate();
  };
  const name = subscription === undefined ? "WebSocket" : "WebSocket of a subscription";
  return { name, heard, exact: subscription === undefined, stop };
}

/** A poller that acknowledges what it got with its next question. */
export function polling(door: Door, subscription: string): WayOut {
  const heard: Event[] = [];
  const stopping = new AbortController();
  const url = `${door.url}/v1/namespaces/${door.namespace}/subscriptions/${subscription}/events`;
  const headers = { authorization: `Bearer ${door.key}` };
  const ask = async (after: number | undefined) => {
    const query = `?wait=2000&limit=100${after === undefined ? "" : `&after=${after}`}`;
    const response = await fetch(url + query, { headers, signal: stopping.signal });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const { events, next } = (await response.json()) as { events: Event[]; next: number };
    heard.push(...events);
    return next;
  };
  const poll = async () => {
    let after: number | undefined;
    while (!stopping.signal.aborted) {
      try {
        after = await ask(after);
      } catch {
        await sleep(RETRY_MS);
      }
    }
  };
  const polled = poll();
  const stop = async () => {
    stopping.abort();
    await polled;
  };
  return { name: "polling", heard, exact: false, stop };
}

/** An endpoint for a webhook, which takes all that comes; `url` is where it is. */
export async function endpoint(): Promise<WayOut & { readonly url: string }> {
  const heard: Event[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Event | Event[];
      heard.push(...(Array.isArray(body) ? body : [body]));
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { name: "webhook", heard, exact: false, stop, url };
}

/** An MQTT client with a session that lasts, and QoS 1. */
export async function mqttSession(door: Door): Promise<WayOut> {
  const heard: Event[] = [];
  const client = await connectAsync(door.mqttUrl, {
    ...{ clientId: "delivery", clean: false, reconnectPeriod: RETRY_MS, protocolVersion: 5 },
    properties: { sessionExpiryInterval: 3_600 },
    ...{ username: door.namespace, password: door.key },
  });
  client.on("error", () => undefined);
  client.on("message", (_, payload) => heard.push(JSON.parse(payload.toString()) as Event));
  await client.subscribeAsync("events/+/tick", { qos: 1 });
  return { name: "MQTT", heard, exact: false, stop: () => client.endAsync(true) };
}
