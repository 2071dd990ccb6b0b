import { EventSource } from "eventsource";
import type { Scene } from "../senders/scene.js";
import { type CloudEvent, hearing, type Subscriber } from "./subscriber.js";

/** By npm's `eventsource`, from the beginning; it says itself where it is when it comes back. */
export async function serverSentEvents({ doors, namespace, key }: Scene): Promise<Subscriber> {
  const ways = await doors.http.for("sse");
  const { heard, hear } = hearing();
  const path = `/v1/namespaces/${namespace}/events/stream?from=beginning`;
  const source = new EventSource(`${ways.next()}${path}`, {
    fetch: async (input, init) => {
      const headers = { ...init.headers, authorization: `Bearer ${key}` };
      const { pathname, search } = new URL(input);
      const response = await fetch(`${ways.next()}${pathname}${search}`, { ...init, headers });
      // This client gives up for good at any other answer than 200.
      if (response.status >= 500) throw new Error(`the door says ${response.status}`);
      return response;
    },
  });
  source.addEventListener("event", ({ data }) => hear(JSON.parse(data) as CloudEvent));
  const stop = async () => source.close();
  return { name: "server-sent events", heard, repeats: "rising", hears: "events", stop };
}
