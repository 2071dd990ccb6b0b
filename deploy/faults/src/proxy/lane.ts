import type { Socket } from "node:net";

/** Bytes that are delayed before their source is read no further. */
const MOST_WAITING = 1024 * 1024;

/** One direction of a connection: what comes from one socket goes into the other, later if there is a delay. */
export class Lane {
  private readonly waiting: { bytes: Buffer | undefined; due: number }[] = [];
  private waitingBytes = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param pass what becomes of bytes: the ms by which they are late, or "swallow" */
  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly pass: (bytes: Buffer) => number | "swallow",
  ) {
    from.on("data", (bytes: Buffer) => this.take(bytes));
    from.on("end", () => this.later(undefined, this.waiting.at(-1)?.due ?? 0));
    to.on("drain", () => from.resume());
  }

  private take(bytes: Buffer): void {
    const late = this.pass(bytes);
    if (late === "swallow") return;
    if (late === 0 && this.waiting.length === 0) this.write(bytes);
    // In order, even where the delay got shorter.
    else this.later(bytes, Math.max(performance.now() + late, this.waiting.at(-1)?.due ?? 0));
  }

  private later(bytes: Buffer | undefined, due: number): void {
    this.waiting.push({ bytes, due });
    this.waitingBytes += bytes?.length ?? 0;
    if (this.waitingBytes > MOST_WAITING) this.from.pause();
    this.timer ??= setTimeout(() => this.release(), Math.max(0, due - performance.now()));
  }

  private release(): void {
    this.timer = undefined;
    for (let first = this.waiting[0]; first && first.due <= performance.now(); first = this.waiting[0]) {
      this.waiting.shift();
      this.waitingBytes -= first.bytes?.length ?? 0;
      if (first.bytes === undefined) this.to.end();
      else this.write(first.bytes);
    }
    const next = this.waiting[0];
    if (next) this.timer = setTimeout(() => this.release(), Math.max(0, next.due - performance.now()));
  }

  private write(bytes: Buffer): void {
    if (this.to.destroyed) return;
    if (!this.to.write(bytes)) this.from.pause();
    else if (this.waitingBytes <= MOST_WAITING) this.from.resume();
  }
}
