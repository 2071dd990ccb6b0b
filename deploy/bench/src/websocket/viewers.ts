import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { Tally } from "../load/tally.js";
import { post } from "./http-call.js";
import { clock, deviceName, NAMESPACE, takenAt, type ViewersOrder, type ViewersReport } from "./orders.js";

type Look = Extract<ViewersOrder, { kind: "look" }>;

const POLL_MS = 20;
const FIRST_MS = 20_000;

class Viewer {
  pictures = 0;
  private isOpen = true;
  private readonly socket: WebSocket;

  constructor(url: string, onPicture: (at: number) => void, onBroken: (reason: string) => void) {
    this.socket = new WebSocket(url, { perMessageDeflate: false });
    this.socket.on("message", (picture: Buffer) => {
      this.pictures++;
      onPicture(takenAt(picture));
    });
    this.socket.on("error", (error) => onBroken(error.message));
    this.socket.on("close", (code) => {
      if (this.isOpen) onBroken(`closed with ${code}`);
    });
  }

  close(): void {
    this.isOpen = false;
    this.socket.terminate();
  }
}

/** Those who look at what devices see. */
export class Viewers {
  private readonly viewers: Viewer[] = [];
  private tally = new Tally(0, 0);
  private failures: Record<string, number> = {};

  /** One order at a time. Raises Error when a device shows nothing. */
  async obey(order: ViewersOrder): Promise<ViewersReport> {
    if (order.kind === "look") await this.look(order);
    else if (order.kind === "close") for (const viewer of this.viewers.splice(0)) viewer.close();
    const measureMs = order.kind === "count" ? order.measureMs : 0;
    const counts = await this.count(measureMs);
    const { p50Ms, p99Ms } = this.tally.report(0);
    const seconds = Math.max(1, measureMs) / 1_000;
    const all = counts.reduce((sum, each) => sum + each, 0);
    const failures = this.failures;
    this.failures = {};
    return {
      ...{ viewers: this.viewers.length, perSecond: all / seconds, p50Ms, p99Ms, failures },
      leastPerSecond: counts.length === 0 ? 0 : Math.min(...counts) / seconds,
    };
  }

  private async count(measureMs: number): Promise<number[]> {
    const before = this.viewers.map(({ pictures }) => pictures);
    const from = clock();
    this.tally = new Tally(from, from + measureMs);
    await sleep(measureMs);
    return this.viewers.map(({ pictures }, index) => pictures - (before[index] ?? 0));
  }

  private async look({ http, key, devices, viewersEach }: Look): Promise<void> {
    for (let index = 0; index < devices; index++) {
      const path = `/v1/namespaces/${NAMESPACE}/devices/${deviceName(index)}/snapshots`;
      const { webSocketUrl } = await post(http, key, path, {});
      for (let n = 0; n < viewersEach; n++) this.open(String(webSocketUrl));
    }
    const deadline = performance.now() + FIRST_MS;
    while (this.viewers.some(({ pictures }) => pictures === 0)) {
      if (performance.now() > deadline) {
        throw new Error(`a viewer sees nothing: ${JSON.stringify(this.failures)}`);
      }
      await sleep(POLL_MS);
    }
  }

  private open(url: string): void {
    const onPicture = (at: number) => this.tally.took(at, clock());
    const onBroken = (reason: string) => {
      this.failures[reason] = (this.failures[reason] ?? 0) + 1;
    };
    this.viewers.push(new Viewer(url, onPicture, onBroken));
  }
}
