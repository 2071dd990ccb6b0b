import type { ServerResponse } from "node:http";
import type { Known } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { type Camera, type Pictures, type Resolution, wishOfToken } from "@fieldlog/remote";
import { Problem } from "../problem.js";
import { PictureStream } from "./picture-stream.js";

const TICK_MS = 1_000;

/** With what somebody was let in to look. */
export type Admitted =
  | { readonly keyHash: string }
  | { readonly token: string /** ms since 1970 UTC. */; readonly until: number };

export interface PictureStreamsParts {
  readonly pictures: Pictures;
  readonly known: Pick<Known, "keys">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Those who look at devices' pictures by HTTP. Who may not any more is ended within a second. */
export class PictureStreams {
  private readonly open = new Map<PictureStream, Admitted>();
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(private readonly parts: PictureStreamsParts) {}

  get size(): number {
    return this.open.size;
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    this.stopping = true;
    clearInterval(this.timer);
    this.parts.pictures.stop("the server stops");
  }

  /** Answers with the device's pictures for as long as the viewer stays. Raises Problem 503. */
  stream(response: ServerResponse, camera: Camera, resolution: Resolution, admitted: Admitted): void {
    if (this.stopping) throw new Problem(503, "The server is shutting down.", { retryAfterS: 1 });
    if (this.open.size >= limits.viewers) {
      throw new Problem(503, "There are too many who look already.", { retryAfterS: 10 });
    }
    const stream = new PictureStream(response, this.parts.now);
    this.open.set(stream, admitted);
    stream.begin();
    const instead = "token" in admitted ? wishOfToken(admitted.token) : undefined;
    const leave = this.parts.pictures.watch(camera, resolution, stream, instead);
    const close = () => {
      this.open.delete(stream);
      leave();
    };
    // Of one who has gone nobody would hear that he goes.
    if (response.destroyed) close();
    else response.once("close", close);
  }

  private tick(): void {
    const now = this.parts.now();
    for (const [stream, admitted] of this.open) {
      stream.tick(now);
      if ("until" in admitted) {
        if (admitted.until <= now) stream.ended();
      } else void this.recheck(stream, admitted.keyHash);
    }
  }

  /** What cannot be found out counts as good. */
  private async recheck(stream: PictureStream, keyHash: string): Promise<void> {
    const key = await this.parts.known.keys.get(keyHash).catch(() => "unknown" as const);
    if (key === "unknown") return;
    const isOver = key === undefined || (key.expiresAt !== undefined && key.expiresAt <= this.parts.now());
    if (isOver) stream.ended();
  }
}
