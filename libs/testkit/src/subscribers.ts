import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";

/** Who listens, and where. */
export interface Subscribing<E> {
  /** https://host:port, of a WebSocket wss://host:port; asked before each time that it comes. */
  readonly door: () => string;
  readonly key: string;
  readonly namespace: string;
  readonly hear: (event: E) => void;
}

/** What every way out tells of an event. */
interface Told {
  readonly position: number;
}

type Stop = () => Promise<void>;

/** ms before a subscriber that was cut off comes back. */
const RETRY_MS = 200;
const HANDSHAKE_MS = 5_000;
/** ms that a poller waits for events, and how much longer for the answer. */
const WAIT_MS = 2_000;
const ANSWER_MS = 10_000;

/** Polls a stored subscription; each question acknowledges what came before. Comes back by itself; returns its end. */
export function keepPolling<E>(subscribing: Subscribing<E>, subscription: string): Stop {
  const { door, key, namespace, hear } = subscribing;
  const stopping = new AbortController();
  const headers = { authorization: `Bearer ${key}` };
  const ask = async (after: number | undefined) => {
    const query = `?wait=${WAIT_MS}&limit=100${after === undefined ? "" : `&after=${after}`}`;
    const url = `${door()}/v1/namespaces/${namespace}/subscriptions/${subscription}/events${query}`;
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(WAIT_MS + ANSWER_MS)]);
    const response = await fetch(url, { headers, signal });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const { events, next } = (await response.json()) as { events: E[]; next: number };
    events.forEach(hear);
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
  return async () => {
    stopping.abort();
    await polled;
  };
}

/**
 * A WebSocket that comes back by itself: with a filter behind the last event that it got, and on a stored subscription,
 * acknowledging each, where that is. Returns its end.
 */
export function keepConnected<E extends Told>(
  { door, key, namespace, hear }: Subscribing<E>,
  asked: { readonly filter: object } | { readonly subscription: string },
): Stop {
  let from: number | "beginning" = "beginning";
  let socket: WebSocket | undefined;
  let stopped = false;
  const open = () => {
    if (stopped) return;
    const opened = new WebSocket(`${door()}/v1/subscribe`, ["fieldlog.json"], {
      headers: { authorization: `Bearer ${key}` },
      handshakeTimeout: HANDSHAKE_MS,
    });
    const say = (message: object) => opened.send(JSON.stringify(message));
    socket = opened;
    opened.on("open", () => {
      say({ type: "subscribe", namespace, ...asked, ...("filter" in asked ? { from } : {}) });
    });
    opened.on("message", (text) => {
      const { type, event } = JSON.parse(String(text)) as { type: string; event: E };
      if (type !== "event") return;
      from = event.position;
      hear(event);
      if ("subscription" in asked) say({ type: "ack", position: from });
    });
    opened.on("error", () => undefined);
    opened.on("close", () => setTimeout(open, RETRY_MS));
  };
  open();
  return async () => {
    stopped = true;
    socket?.terminate();
  };
}

/** An endpoint for webhooks, on this machine, that takes all that comes. */
export async function webhookEndpoint<E>(hear: (event: E) => void): Promise<{ port: number; stop: Stop }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("error", () => undefined);
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as E | E[];
      for (const event of Array.isArray(body) ? body : [body]) hear(event);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, stop };
}
