import { keepConnected } from "@fieldlog/testkit";
import type { Scene } from "../senders/scene.js";
import { hearing, type Subscriber } from "./subscriber.js";

/** Asks again behind the last event that it got. */
export async function webSocket({ doors, namespace, key }: Scene): Promise<Subscriber> {
  const ways = await doors.ws.for("websocket");
  const { heard, hear } = hearing();
  const stop = keepConnected({ door: () => ways.next(), key, namespace, hear }, { filter: {} });
  return { name: "WebSocket", heard, repeats: "rising", hears: "events", stop };
}
