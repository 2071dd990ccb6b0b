import { fork } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";
import type { Peer } from "../mqtt/peers.js";

const SERVER = fileURLToPath(new URL("./broadcast-server.js", import.meta.url));
const HOST = "127.0.0.1";
/** Subscribes to nothing: it only publishes. */
const NOBODY = '"names":["nobody"]';

/** A bare `ws` server that sends the same bytes to every subscriber for each event that is published, and no more. */
export async function broadcastServer(delivery: string): Promise<{ port: number; stop(): void }> {
  const bytes = Buffer.from(delivery);
  const subscribers = new Set<WebSocket>();
  const server = new WebSocketServer({ port: 0, host: HOST, perMessageDeflate: false });
  server.on("connection", (socket) => {
    socket.on("message", (data) => {
      const text = String(data);
      if (JSON.parse(text).type === "publish") {
        for (const subscriber of subscribers) subscriber.send(bytes, { binary: false });
        return;
      }
      if (!text.includes(NOBODY)) subscribers.add(socket);
      socket.send('{"type":"subscribed","position":0}');
    });
    socket.on("close", () => subscribers.delete(socket));
    socket.on("error", () => socket.terminate());
  });
  await once(server, "listening");
  const stop = () => {
    for (const client of server.clients) client.terminate();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, stop };
}

/** The same as a process of its own. */
export async function startBroadcast(delivery: string): Promise<Peer> {
  const child = fork(SERVER, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.send({ delivery });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  return {
    name: "bare ws broadcast",
    address: { host: HOST, port },
    pid: child.pid ?? 0,
    stop: async () => {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}
