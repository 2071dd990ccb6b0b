import type { Duplex } from "node:stream";

/** Writes what the subscribers of a process are sent in one turn of the event loop together, socket by socket. */
export class Turn {
  private writers: FrameWriter[] = [];
  private readonly end = () => {
    const { writers } = this;
    this.writers = [];
    for (const writer of writers) writer.flush();
  };

  join(writer: FrameWriter): void {
    if (this.writers.push(writer) === 1) setImmediate(this.end);
  }
}

/**
 * Whole frames on a socket that `ws` also writes to. The two do not come between each other's bytes: without
 * compression `ws` writes a frame in one go.
 */
export class FrameWriter {
  private inTurn = false;

  constructor(
    private readonly socket: Duplex,
    private readonly turn: Turn,
  ) {}

  /** Bytes that the other side has not been sent yet. */
  get backlog(): number {
    return this.socket.writableLength;
  }

  write(frame: Buffer): void {
    if (!this.inTurn) {
      this.inTurn = true;
      this.socket.cork();
      this.turn.join(this);
    }
    this.socket.write(frame);
  }

  flush(): void {
    this.inTurn = false;
    this.socket.uncork();
  }

  /** Where more waits than the socket takes at once: resolves to true when that has left, to false after `ms`. */
  drained(ms?: number): Promise<boolean> {
    const { socket } = this;
    if (!socket.writableNeedDrain || socket.closed) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (done: boolean) => {
        clearTimeout(timer);
        socket.off("drain", drained).off("close", drained);
        resolve(done);
      };
      const drained = () => settle(true);
      const timer = ms === undefined ? undefined : setTimeout(() => settle(false), ms);
      socket.on("drain", drained).on("close", drained);
    });
  }
}
