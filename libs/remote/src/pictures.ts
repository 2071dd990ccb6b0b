import { hash, randomUUID } from "node:crypto";
import { limits } from "@fieldlog/contracts";
import type { RemoteDevices } from "./remote-devices.js";

/** Milliseconds between two wishes until the first picture came. */
const EAGER_MS = 1_000;
/** Milliseconds without a device, or without a stream of it, after which its viewers are told. */
const PATIENCE_MS = 2 * limits.remoteWishEndsMs;

export type Resolution = "high" | "low";

/** One who looks. */
export interface Viewer {
  show(jpeg: Uint8Array): void;
  /** No picture will come any more. */
  ended(reason: string): void;
}

export interface Camera {
  /** Namespace id. */
  readonly namespace: string;
  readonly device: string;
}

/** The name of the wish that was made with a token, until somebody comes with it. */
export function wishOfToken(token: string): string {
  return `token ${hash("sha256", token)}`;
}

/** What viewers at one edge see of devices: one wish and one subscription for each device, however many look. */
export class Pictures {
  private readonly watched = new Map<string, Watched>();

  /** @param now ms since 1970 UTC */
  constructor(
    private readonly devices: Pick<RemoteDevices, "ask" | "watchFrames">,
    private readonly now: () => number,
  ) {}

  /** Who look at this moment. */
  get viewers(): number {
    let sum = 0;
    for (const { viewers } of this.watched.values()) sum += viewers.size;
    return sum;
  }

  /**
   * Shows the device's pictures to the viewer, from the next one on. Returns what ends it; ended twice is ended once.
   *
   * @param instead an earlier wish for the same, which this one takes the place of
   */
  watch(camera: Camera, resolution: Resolution, viewer: Viewer, instead?: string): () => void {
    const name = `${camera.namespace}/${camera.device}`;
    const watched = this.watched.get(name) ?? new Watched(this.devices, camera, this.now);
    this.watched.set(name, watched);
    watched.onEmpty = () => this.watched.delete(name);
    watched.add(viewer, resolution, instead);
    return () => watched.delete(viewer);
  }

  /** Ends all. */
  stop(reason: string): void {
    for (const watched of [...this.watched.values()]) watched.end(reason);
  }
}

class Watched {
  readonly viewers = new Map<Viewer, Resolution>();
  onEmpty: () => void = () => undefined;
  private readonly wish = randomUUID();
  private readonly unsubscribe: () => void;
  private timer: NodeJS.Timeout | undefined;
  /** When a picture, or a word of a stream, came last. */
  private goodAt: number;
  private hasPicture = false;
  private over = false;
  /** Wishes that are over as soon as the own one was heard. */
  private replaced: string[] = [];

  constructor(
    private readonly devices: Pick<RemoteDevices, "ask" | "watchFrames">,
    private readonly camera: Camera,
    private readonly now: () => number,
  ) {
    this.goodAt = now();
    this.unsubscribe = devices.watchFrames(camera.namespace, camera.device, (jpeg) => this.show(jpeg));
  }

  add(viewer: Viewer, resolution: Resolution, instead: string | undefined): void {
    const before = this.resolution;
    this.viewers.set(viewer, resolution);
    if (instead !== undefined) this.replaced.push(instead);
    if (this.viewers.size === 1 || this.resolution !== before || instead !== undefined) void this.renew();
  }

  delete(viewer: Viewer): void {
    if (this.viewers.delete(viewer) && this.viewers.size === 0) this.close();
  }

  end(reason: string): void {
    const viewers = [...this.viewers.keys()];
    this.viewers.clear();
    this.close();
    for (const viewer of viewers) viewer.ended(reason);
  }

  /** The best that anybody wants. */
  private get resolution(): Resolution {
    return [...this.viewers.values()].includes("high") ? "high" : "low";
  }

  private show(jpeg: Uint8Array): void {
    this.hasPicture = true;
    this.goodAt = this.now();
    for (const viewer of this.viewers.keys()) viewer.show(jpeg);
  }

  /** Says that somebody looks, and goes on saying so. */
  private async renew(): Promise<void> {
    clearTimeout(this.timer);
    const problem = await this.want();
    if (this.over) return;
    if (problem === undefined) this.goodAt = this.now();
    else if (problem.isFinal || this.now() - this.goodAt >= PATIENCE_MS) {
      this.end(problem.reason);
      return;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.renew(), this.hasPicture ? limits.remoteWishMs : EAGER_MS);
    this.timer.unref();
  }

  /** undefined: it streams. */
  private async want(): Promise<{ reason: string; isFinal: boolean } | undefined> {
    const { namespace, device } = this.camera;
    const value = { resolution: this.resolution, viewer: this.wish };
    try {
      const reply = await this.devices.ask(namespace, device, { case: "wantSnapshots", value });
      if (reply === undefined) return { reason: "the device is not connected", isFinal: false };
      for (const wish of this.replaced.splice(0)) this.takeBack(wish);
      if (reply.dismissed) return { reason: "somebody has stopped the pictures", isFinal: true };
      if (reply.refused !== "") return { reason: reply.refused, isFinal: false };
      if (reply.status?.snapshotsStreaming) return undefined;
      return { reason: "the device sends no pictures", isFinal: false };
    } catch (error) {
      return { reason: (error as Error).message, isFinal: false };
    }
  }

  private close(): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    this.unsubscribe();
    this.onEmpty();
    for (const wish of [...this.replaced.splice(0), this.wish]) this.takeBack(wish);
  }

  /** Should it get lost, the wish ends by itself. */
  private takeBack(viewer: string): void {
    const { namespace, device } = this.camera;
    const request = { case: "stopSnapshots", value: { viewer } } as const;
    this.devices.ask(namespace, device, request).catch(() => undefined);
  }
}
