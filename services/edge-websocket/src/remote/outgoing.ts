import type { WebSocket } from "ws";
import { type Encoding, encodeFrame } from "./codec.js";

/** Bytes that wait in a device's socket; one that reads so little is gone. */
const WAITING_BYTES = 256 * 1024;
/** Frames that are held back at once. */
const HELD = 256;

type Frame = string | Uint8Array;

/** Frames to one device, one after another; some answers go before all others. */
export class Outgoing {
  private held: Frame[] = [];
  private promised: Promise<void> | undefined;
  private promises = 0;

  constructor(
    private readonly webSocket: Pick<
      WebSocket,
      "send" | "bufferedAmount" | "readyState" | "OPEN" | "terminate"
    >,
    /** Told of a frame that could not be promised after all. */
    private readonly onFailed: (error: unknown) => void,
  ) {}

  send(encoding: Encoding, message: object): void {
    this.sendEncoded(encodeFrame(encoding, message));
  }

  sendEncoded(frame: Frame): void {
    if (this.promises === 0) this.write(frame);
    else if (this.held.push(frame) > HELD) this.webSocket.terminate();
  }

  /** See `DeviceSession.answerFirst`. */
  answerFirst(encoding: Encoding, message: Promise<object>): void {
    this.promises++;
    const before = this.promised ?? Promise.resolve();
    const done = Promise.allSettled([message, before]).then(([settled]) => {
      if (settled.status === "fulfilled") this.write(encodeFrame(encoding, settled.value));
      else this.onFailed(settled.reason);
      if (--this.promises === 0) this.release();
    });
    this.promised = done;
  }

  private release(): void {
    const { held } = this;
    this.held = [];
    this.promised = undefined;
    for (const frame of held) this.write(frame);
  }

  private write(frame: Frame): void {
    const { webSocket } = this;
    if (webSocket.readyState !== webSocket.OPEN) return;
    if (webSocket.bufferedAmount > WAITING_BYTES) webSocket.terminate();
    else webSocket.send(frame);
  }
}
