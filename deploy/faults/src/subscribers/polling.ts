import { keepPolling } from "@fieldlog/testkit";
import type { Scene } from "../senders/scene.js";
import { hearing, type Subscriber } from "./subscriber.js";

/** Asks a stored subscription for what comes next, and acknowledges with each question what it got. */
export async function polling({ api, doors, namespace, key, chance }: Scene): Promise<Subscriber> {
  const { id } = await api.ask("POST", `/v1/namespaces/${namespace}/subscriptions`, {
    ...{ filter: {}, from: "beginning", delivery: "poll" },
  });
  const ways = await doors.http.for("polling");
  const { heard, hear } = hearing();
  const stop = keepPolling({ door: () => ways.any(chance), key, namespace, hear }, String(id));
  return { name: "polling", heard, repeats: "the same", hears: "events", stop };
}
