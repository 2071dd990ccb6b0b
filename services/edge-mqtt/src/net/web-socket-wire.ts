import type { RawData, WebSocket } from "ws";
import { END_MS, type Wire, type WireReceiver } from "./wire.js";

/** WebSocket close codes (RFC 6455, 7.4.1). */
const NORMAL = 1000;
const UNSUPPORTED_DATA = 1003;

/** MQTT in the binary frames of a WebSocket; packets and frames need not begin together [MQTT-6.0.0-2]. */
export class WebSocketWire implements Wire {
  private receiver: WireReceiver | undefined;
  private readonly onSent = () => {
    if (this.socket.bufferedAmount === 0) this.receiver?.drained();
  };

  constructor(
    private readonly socket: WebSocket,
    readonly transport: "ws" | "wss",
  ) {
    socket.binaryType = "nodebuffer";
  }

  open(receiver: WireReceiver): void {
    this.receiver = receiver;
    this.socket.on("message", (data: RawData, isBinary: boolean) => {
      // [MQTT-6.0.0-1]
      if (isBinary) receiver.received(data as Buffer);
      else this.socket.close(UNSUPPORTED_DATA, "MQTT is binary");
    });
    this.socket.on("error", () => this.socket.terminate());
    this.socket.on("close", () => {
      this.receiver = undefined;
      receiver.closed();
    });
  }

  get buffered(): number {
    return this.socket.bufferedAmount;
  }

  write(bytes: Buffer): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(bytes, this.onSent);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    if (this.socket.readyState === this.socket.CLOSED) return;
    this.socket.resume();
    this.socket.close(NORMAL);
    setTimeout(() => this.socket.terminate(), END_MS).unref();
  }

  destroy(): void {
    this.socket.terminate();
  }
}
