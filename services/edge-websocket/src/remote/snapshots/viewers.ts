import type { Edge } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { NewestPicture, type Pictures, type Resolution, wishOfToken } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import type { WebSocket } from "ws";
import type { Arrival, Route } from "../../net/server.js";

/** Where whoever has a token sees a device's pictures, each as one binary message. */
const PATH = "/v1/snapshots";
/** Bytes of a message of a viewer, who has nothing to say. */
const MESSAGE_BYTES = 1_024;
const TICK_MS = 1_000;
const PING_MS = 30_000;
/** Milliseconds that a viewer may take to answer a close. */
const CLOSE_MS = 1_000;
/** Characters of the longest token that is looked at. */
const TOKEN = 2_048;

// Close codes: RFC 6455, section 7.4; from 4000 on our own, as HTTP has them.
const GOING_AWAY = 1_001;
const NO_TOKEN = 4_401;
const NO_PICTURES = 4_410;
const FULL = 4_503;

export interface ViewersParts {
  readonly pictures: Pictures;
  readonly sampling: Pick<Edge["sampling"], "checkViewToken">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Those who look at devices' pictures by WebSocket. */
export class Viewers {
  private readonly all = new Set<ViewerConnection>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: ViewersParts) {}

  get route(): Route {
    return { path: PATH, messageBytes: MESSAGE_BYTES, accept: (arrival) => void this.accept(arrival) };
  }

  start(): void {
    this.timer = setInterval(() => {
      const now = this.parts.now();
      for (const viewer of this.all) viewer.tick(now);
    }, TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    for (const viewer of this.all) viewer.close(GOING_AWAY, "the server stops");
  }

  private async accept({ webSocket, request }: Arrival): Promise<void> {
    const viewer = new ViewerConnection(webSocket, this.parts.now(), () => this.all.delete(viewer));
    this.all.add(viewer);
    if (this.all.size > limits.viewers) {
      viewer.close(FULL, "too many look already");
      return;
    }
    const query = new URLSearchParams(request.url?.split("?", 2)[1]);
    const token = (query.get("token") ?? "").slice(0, TOKEN);
    try {
      const found = await this.parts.sampling.checkViewToken({ token });
      const resolution = query.get("resolution") === "high" ? "high" : "low";
      viewer.look(this.parts.pictures, found, { resolution, instead: wishOfToken(token) });
    } catch (error) {
      const isNone = error instanceof RpcError && error.code === "not_found";
      if (isNone) viewer.close(NO_TOKEN, "the token is none, or its time is over");
      else viewer.close(FULL, "a service does not answer; come back");
    }
  }
}

class ViewerConnection {
  private leave: () => void = () => undefined;
  private endsAt = Number.POSITIVE_INFINITY;
  private isAlive = true;
  private over = false;

  constructor(
    private readonly webSocket: WebSocket,
    private pingedAt: number,
    onClosed: () => void,
  ) {
    webSocket.on("pong", () => {
      this.isAlive = true;
    });
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("close", () => {
      this.end();
      onClosed();
    });
  }

  look(
    pictures: Pictures,
    found: { readonly namespace: string; readonly device: string; readonly expiresAt: bigint },
    { resolution, instead }: { readonly resolution: Resolution; readonly instead: string },
  ): void {
    if (this.over) return;
    this.endsAt = Number(found.expiresAt);
    const newest = new NewestPicture((jpeg) => {
      this.webSocket.send(jpeg, { binary: true }, () => newest.taken());
      return false;
    });
    const ended = (reason: string) => this.close(NO_PICTURES, reason);
    const show = (jpeg: Uint8Array) => newest.offer(jpeg);
    this.leave = pictures.watch(found, resolution, { show, ended }, instead);
  }

  /** Once a second. */
  tick(now: number): void {
    if (now >= this.endsAt) this.close(NO_TOKEN, "the token's time is over");
    if (this.over || now - this.pingedAt < PING_MS) return;
    if (!this.isAlive) this.webSocket.terminate();
    else {
      this.isAlive = false;
      this.pingedAt = now;
      this.webSocket.ping();
    }
  }

  close(code: number, reason: string): void {
    if (this.over) return;
    this.end();
    this.webSocket.close(code, reason.slice(0, 100));
    setTimeout(() => this.webSocket.terminate(), CLOSE_MS).unref();
  }

  private end(): void {
    if (this.over) return;
    this.over = true;
    this.leave();
  }
}
