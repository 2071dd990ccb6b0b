import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Edge } from "@fieldlog/admission";
import type { RemoteDevices, TunnelOf } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import type { WebSocket } from "ws";
import type { TunnelEnd } from "./tunnel-end.js";

/** Times that it is tried to tell that a tunnel is closed, and milliseconds between two of them. */
const ATTEMPTS = 12;
const PAUSE_MS = 5_000;

/** What the ends of tunnels work with. */
export interface EndsParts {
  readonly tunnels: Pick<Edge["tunnels"], "openTunnel" | "checkTunnel" | "closeTunnel">;
  readonly remote: Pick<RemoteDevices, "ask">;
  readonly connection: Edge["log"]["connection"];
  /** Where devices find this door, when an operator's request has come. */
  readonly base: (request: IncomingMessage) => string;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** What is being told of tunnels that are closed. */
  readonly underWay: Set<Promise<void>>;
}

/** Characters of the longest token that is looked at. */
const TOKEN = 2_048;

/** Of the URL; it is never logged. */
export function tokenOf({ url = "" }: IncomingMessage): string {
  return (new URLSearchParams(url.split("?", 2)[1]).get("token") ?? "").slice(0, TOKEN);
}

export function attach(webSocket: WebSocket, end: TunnelEnd): void {
  webSocket.on("message", (data, isBinary) => end.message(data as Buffer, isBinary));
  webSocket.on("pong", () => end.pong());
  webSocket.on("error", () => webSocket.terminate());
  webSocket.on("close", (code) => end.closed(code));
}

export interface ClosedTunnel extends TunnelOf {
  readonly tunnel: string;
  readonly reason: string;
  readonly bytesToDevice: number;
  readonly bytesFromDevice: number;
}

/** Tells that a tunnel is closed; nobody waits for it, so it is tried again for a minute while a service is away. */
export function tellClosed(
  parts: EndsParts,
  { bytesToDevice, bytesFromDevice, ...closed }: ClosedTunnel,
): void {
  const { underWay, tunnels, logger } = parts;
  const bytes = { bytesToDevice: BigInt(bytesToDevice), bytesFromDevice: BigInt(bytesFromDevice) };
  const telling = (async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        await tunnels.closeTunnel({ ...closed, ...bytes });
        return;
      } catch (err) {
        const isPassing = err instanceof RpcError && err.code !== "not_found" && attempt < ATTEMPTS;
        if (!isPassing) {
          logger.warn({ err, tunnel: closed.tunnel }, "the end of a tunnel could not be written");
          return;
        }
        await sleep(PAUSE_MS, undefined, { ref: false });
      }
    }
  })();
  underWay.add(telling);
  void telling.then(() => underWay.delete(telling));
}
