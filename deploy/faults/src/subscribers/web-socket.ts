import { WebSocket } from "ws";
import type { Said } from "../ledger/said.js";
import type { Scene } from "../senders/scene.js";
import { type CloudEvent, RETRY_MS, type Subscriber, saidInEvent } from "./subscriber.js";

/** Asks again behind the last event that it got. */
export async function webSocket({ doors, namespace, key }: Scene): Promise<Subscriber> {
  const ways = await doors.ws.for("websocket");
  const heard: Said[] = [];
  let position: number | "beginning" = "beginning";
  let socket: WebSocket | undefined;
  let stopped = false;
  const open = () => {
    if (stopped) return;
    const opened = new WebSocket(`${ways.next()}/v1/subscribe`, ["fieldlog.json"], {
      headers: { authorization: `Bearer ${key}` },
      handshakeTimeout: 5_000,
    });
    socket = opened;
    opened.on("open", () => {
      opened.send(JSON.stringify({ type: "subscribe", namespace, filter: {}, from: position }));
    });
    opened.on("message", (text) => {
      const message = JSON.parse(String(text)) as { type: string; event: CloudEvent };
      if (message.type !== "event") return;
      position = message.event.position;
      const said = saidInEvent(message.event);
      if (said) heard.push(said);
    });
    opened.on("error", () => undefined);
    opened.on("close", () => setTimeout(open, RETRY_MS));
  };
  open();
  const stop = async () => {
    stopped = true;
    socket?.terminate();
  };
  return { name: "WebSocket", heard, repeats: "rising", hears: "events", stop };
}
