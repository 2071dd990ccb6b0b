import { WebSocket } from "ws";
import type { Address } from "../load/orders.js";
import { clock, PICTURES_PER_SECOND, pictureOf } from "./orders.js";

export interface DeviceEvents {
  /** Told to sample that. */
  onSample(label: string): void;
  onPicture(): void;
  /** Closed without `close` having been called, or told something wrong. */
  onBroken(reason: string): void;
}

/** A board: says hello, samples what it is told (and uploads nothing), shows what it sees while it is to. */
export class Device {
  private streaming: NodeJS.Timeout | undefined;
  private isOpen = true;

  private constructor(
    private readonly socket: WebSocket,
    private readonly events: DeviceEvents,
  ) {
    socket.on("message", (data) => this.take(JSON.parse(String(data))));
    socket.on("error", (error) => this.broken(error.message));
    socket.on("close", (code) => this.broken(`closed with ${code}`));
  }

  /** Resolves when it was let in. */
  static open(to: Address, key: string, deviceId: string, events: DeviceEvents): Promise<Device> {
    const { promise, resolve, reject } = Promise.withResolvers<Device>();
    const socket = new WebSocket(`ws://${to.host}:${to.port}/`, { perMessageDeflate: false });
    const onBroken = (reason: string) => {
      reject(new Error(reason));
      events.onBroken(reason);
    };
    const device = new Device(socket, { ...events, onBroken });
    socket.once("open", () => device.say({ hello: helloOf(deviceId, key) }));
    socket.once("message", (data) => {
      const { hello, err } = JSON.parse(String(data));
      if (hello === true) resolve(device);
      else onBroken(String(err));
    });
    return promise;
  }

  close(): void {
    this.isOpen = false;
    clearInterval(this.streaming);
    this.socket.terminate();
  }

  private take(message: Record<string, unknown>): void {
    const { sample, startSnapshot, stopSnapshot, err } = message;
    if (sample !== undefined) {
      this.events.onSample((sample as { label: string }).label);
      for (const step of ["sample", "sampleStarted", "sampleUploading", "sampleFinished"])
        this.say({ [step]: true });
    } else if (startSnapshot !== undefined) this.stream();
    else if (stopSnapshot !== undefined) {
      clearInterval(this.streaming);
      this.say({ snapshotStopped: true });
    } else if (err !== undefined) this.broken(String(err));
  }

  private stream(): void {
    this.say({ snapshotStarted: true });
    clearInterval(this.streaming);
    this.streaming = setInterval(() => {
      this.say({ snapshotFrame: pictureOf(clock()).toString("base64") });
      this.events.onPicture();
    }, 1_000 / PICTURES_PER_SECOND);
  }

  private say(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  private broken(reason: string): void {
    if (!this.isOpen) return;
    this.close();
    this.events.onBroken(reason);
  }
}

function helloOf(deviceId: string, apiKey: string) {
  return {
    ...{ version: 3, apiKey, deviceId, deviceType: "BENCH", connection: "ip" },
    sensors: [{ name: "Accelerometer", maxSampleLengthS: 600, frequencies: [62.5, 100] }],
    supportsSnapshotStreaming: true,
  };
}
