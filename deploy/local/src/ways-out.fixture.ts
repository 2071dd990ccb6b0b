import { keepConnected, keepPolling, type Subscribing, webhookEndpoint } from "@fieldlog/testkit";
import { EventSource } from "eventsource";
import { connectAsync } from "mqtt";

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
  const asked = subscription === undefined ? { filter: FILTER } : { subscription };
  const stop = keepConnected<Event>(subscribing(door, door.wsUrl, heard), asked);
  const name = subscription === undefined ? "WebSocket" : "WebSocket of a subscription";
  return { name, heard, exact: subscription === undefined, stop };
}

/** A poller that acknowledges what it got with its next question. */
export function polling(door: Door, subscription: string): WayOut {
  const heard: Event[] = [];
  const stop = keepPolling<Event>(subscribing(door, door.url, heard), subscription);
  return { name: "polling", heard, exact: false, stop };
}

function subscribing({ key, namespace }: Door, url: string, heard: Event[]): Subscribing<Event> {
  return { door: () => url, key, namespace, hear: (event) => heard.push(event) };
}

/** An endpoint for a webhook, which takes all that comes; `url` is where it is. */
export async function endpoint(): Promise<WayOut & { readonly url: string }> {
  const heard: Event[] = [];
  const { port, stop } = await webhookEndpoint<Event>((event) => heard.push(event));
  return { name: "webhook", heard, exact: false, stop, url: `http://127.0.0.1:${port}/` };
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
