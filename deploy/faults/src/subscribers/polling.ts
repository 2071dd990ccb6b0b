import { setTimeout as sleep } from "node:timers/promises";
import type { Said } from "../ledger/said.js";
import type { Scene } from "../senders/scene.js";
import { type CloudEvent, RETRY_MS, type Subscriber, saidInEvent } from "./subscriber.js";

const WAIT_MS = 2_000;

/** Asks a stored subscription for what comes next, and acknowledges with each question what it got. */
export async function polling({ api, doors, namespace, key, chance }: Scene): Promise<Subscriber> {
  const { id } = await api.ask("POST", `/v1/namespaces/${namespace}/subscriptions`, {
    ...{ filter: {}, from: "beginning", delivery: "poll" },
  });
  const ways = await doors.http.for("polling");
  const heard: Said[] = [];
  const stopping = new AbortController();
  const headers = { authorization: `Bearer ${key}` };
  const ask = async (after: number | undefined) => {
    const query = `?wait=${WAIT_MS}&limit=100${after === undefined ? "" : `&after=${after}`}`;
    const url = `${ways.any(chance)}/v1/namespaces/${namespace}/subscriptions/${id}/events${query}`;
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(WAIT_MS + 10_000)]);
    const response = await fetch(url, { headers, signal });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    const { events, next } = (await response.json()) as { events: CloudEvent[]; next: number };
    heard.push(...events.flatMap((event) => saidInEvent(event) ?? []));
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
  return { name: "polling", heard, repeats: "the same", hears: "events", stop };
}
