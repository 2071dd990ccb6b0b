/** How far a read model is, and who waits for it to get further. */
export class Progress {
  private reached = 0;
  private wake: () => void = () => undefined;
  private readonly waiting = new Set<{ sequence: number; resolve: (reached: boolean) => void }>();

  get sequence(): number {
    return this.reached;
  }

  /** May also go back, after Postgres lost the tail. */
  set(sequence: number): void {
    this.reached = sequence;
    for (const waiter of this.waiting) if (waiter.sequence <= sequence) waiter.resolve(true);
  }

  get awaited(): boolean {
    return this.waiting.size > 0;
  }

  /** True as soon as the sequence is reached; false after `timeoutMs`. */
  waitFor(sequence: number, timeoutMs: number): Promise<boolean> {
    if (sequence <= this.reached) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (reached: boolean) => {
        clearTimeout(timer);
        this.waiting.delete(waiter);
        resolve(reached);
      };
      const waiter = { sequence, resolve: finish };
      const timer = setTimeout(() => finish(false), timeoutMs);
      this.waiting.add(waiter);
      this.wake();
    });
  }

  /** Resolves after the milliseconds, with the signal, or as soon as somebody waits. */
  async pause(ms: number, signal: AbortSignal): Promise<void> {
    if (this.awaited || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        this.wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
      this.wake = end;
    });
  }
}
