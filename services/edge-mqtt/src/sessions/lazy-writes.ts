/** What may be written a little later. */
export interface Lazy {
  /** Never rejects. */
  writeLazily(): Promise<void>;
}

const TICK_MS = 1_000;
/** Writes in one tick, and at the same time: the rest waits, so that they never hold up what devices send. */
const WRITES_PER_TICK = 500;
const AT_ONCE = 16;

/** Writes what changed: each at most once a second, the one that waits longest first. */
export class LazyWrites {
  private readonly waiting = new Set<Lazy>();
  private timer: NodeJS.Timeout | undefined;
  private writing = false;

  get size(): number {
    return this.waiting.size;
  }

  add(lazy: Lazy): void {
    this.waiting.add(lazy);
    this.timer ??= setInterval(() => void this.tick(), TICK_MS).unref();
  }

  delete(lazy: Lazy): void {
    this.waiting.delete(lazy);
  }

  stop(): void {
    clearInterval(this.timer);
    this.waiting.clear();
  }

  private async tick(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    let left = Math.min(this.waiting.size, WRITES_PER_TICK);
    const worker = async () => {
      while (left-- > 0) {
        const [first] = this.waiting;
        if (first === undefined) return;
        this.waiting.delete(first);
        await first.writeLazily();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    this.writing = false;
  }
}
