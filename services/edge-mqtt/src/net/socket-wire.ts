import type { Socket } from "node:net";
import { END_MS, type Transport, type Wire, type WireReceiver } from "./wire.js";

/** Milliseconds of silence after which the kernel asks whether the other side is still there. */
const TCP_KEEP_ALIVE_MS = 60_000;

const held = Symbol("wire");
type HeldSocket = Socket & { [held]?: SocketWire };

// Shared by all sockets: a closure per connection and event would be a kilobyte each.
function onData(this: HeldSocket, chunk: Buffer): void {
  this[held]?.receiver.received(chunk);
}
function onDrain(this: HeldSocket): void {
  this[held]?.receiver.drained();
}
function onClose(this: HeldSocket): void {
  const wire = this[held];
  delete this[held];
  wire?.receiver.closed();
}
/** `close` follows. */
function onError(): void {}

/** TCP or TLS. */
export class SocketWire implements Wire {
  receiver!: WireReceiver;

  constructor(
    private readonly socket: HeldSocket,
    readonly transport: Transport,
  ) {}

  /** From now on `receiver` is told. */
  open(receiver: WireReceiver): void {
    this.receiver = receiver;
    const { socket } = this;
    socket[held] = this;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    socket.on("data", onData);
    socket.on("drain", onDrain);
    socket.on("error", onError);
    socket.on("close", onClose);
  }

  get buffered(): number {
    return this.socket.writableLength;
  }

  write(bytes: Buffer): void {
    if (this.socket.writable) this.socket.write(bytes);
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    const { socket } = this;
    if (socket.destroyed) return;
    // What still comes in is thrown away, but taken: a close with unread bytes would be a reset, which
    // takes from the other side what it has not read yet.
    socket.resume();
    socket.end();
    setTimeout(() => socket.destroy(), END_MS).unref();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
