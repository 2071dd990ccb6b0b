import { until } from "@fieldlog/testkit";
import { WebSocket } from "ws";
import type { Json } from "../client.fixture.js";

/** A device that speaks JSON, frame by frame as a test says. */
export class JsonDevice {
  readonly got: string[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly socket: WebSocket;

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data: Buffer, isBinary) => {
      this.got.push(isBinary ? `binary ${data.toString("hex")}` : data.toString());
    });
    this.socket.on("error", () => undefined);
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  static async open(url: string): Promise<JsonDevice> {
    const device = new JsonDevice(url);
    await until("open", () => device.socket.readyState === WebSocket.OPEN);
    return device;
  }

  /** One that was let in. */
  static async present(url: string, hello: Json): Promise<JsonDevice> {
    const device = await JsonDevice.open(url);
    device.say({ hello });
    await until("an answer to hello", () => device.messages.some((message) => "hello" in message));
    return device;
  }

  get messages(): Json[] {
    return this.got.filter((text) => text.startsWith("{")).map((text) => JSON.parse(text) as Json);
  }

  of(key: string): Json[] {
    return this.messages.filter((message) => key in message);
  }

  say(message: Json): void {
    this.sayRaw(JSON.stringify(message));
  }

  sayRaw(data: string | Uint8Array): void {
    this.socket.send(data);
  }
}
