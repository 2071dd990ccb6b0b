import type { Wire } from "./wire.js";

/** Bytes of the buffer into which small packets are written; less than half of Node's pool. */
const SMALL = 1_024;

/** Writes what the connections of a process have to write once per turn of the event loop. */
export class Flusher {
  private waiting: Output[] = [];
  private readonly flush = () => {
    const outputs = this.waiting;
    this.waiting = [];
    for (const output of outputs) output.flush();
  };

  add(output: Output): void {
    if (this.waiting.push(output) === 1) setImmediate(this.flush);
  }
}

/**
 * What waits to be written to one connection. All that is added in one turn of the event loop leaves in one
 * write: the PUBACKs of a commit together. Holds nothing while the connection is idle.
 */
export class Output {
  /** Where {@link reserve} made room. */
  tail: Buffer | undefined;
  private used = 0;
  private written = 0;
  private before: Buffer[] | undefined;
  private waits = false;
  private bytes = 0;

  constructor(
    private readonly wire: Wire,
    private readonly flusher: Flusher,
  ) {}

  /** Bytes that the other side has not been sent yet. */
  get backlog(): number {
    return this.bytes + this.wire.buffered;
  }

  /** Makes room for `bytes` (few) in {@link tail}; returns where they are to be written, at once. */
  reserve(bytes: number): number {
    if (this.tail === undefined || this.tail.length - this.used < bytes) {
      this.closeTail();
      this.tail = Buffer.allocUnsafe(Math.max(SMALL, bytes));
      this.used = 0;
      this.written = 0;
    }
    const at = this.used;
    this.used += bytes;
    this.noteBytes(bytes);
    return at;
  }

  /** Adds bytes that nobody changes any more. Small ones are copied. */
  add(bytes: Buffer | Uint8Array): void {
    if (bytes.length <= SMALL / 2) {
      const at = this.reserve(bytes.length);
      (this.tail as Buffer).set(bytes, at);
      return;
    }
    this.closeTail();
    this.before ??= [];
    this.before.push(
      Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
    this.noteBytes(bytes.length);
  }

  /** Hands everything to the wire, without waiting for the end of the turn. */
  flush(): void {
    this.waits = false;
    if (this.bytes === 0) return;
    this.closeTail();
    const parts = this.before as Buffer[];
    this.before = undefined;
    this.tail = undefined;
    this.bytes = 0;
    this.wire.write(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
  }

  private noteBytes(bytes: number): void {
    this.bytes += bytes;
    if (this.waits) return;
    this.waits = true;
    this.flusher.add(this);
  }

  /** What is in the tail comes before what is added next; the rest of it can still be used. */
  private closeTail(): void {
    if (this.tail === undefined || this.used === this.written) return;
    this.before ??= [];
    this.before.push(this.tail.subarray(this.written, this.used));
    this.written = this.used;
  }
}
