/** Tasks of which the first failure ends all others; how they end after that, or after the signal, is not told. */
export class Tasks {
  private readonly controller = new AbortController();
  private readonly running = new Set<Promise<void>>();
  private failure: { error: unknown } | undefined;

  constructor(signal: AbortSignal) {
    if (signal.aborted) this.controller.abort();
    signal.addEventListener("abort", () => this.controller.abort(), { signal: this.controller.signal });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  run(task: (signal: AbortSignal) => Promise<void>): void {
    const running = task(this.signal)
      .catch((error: unknown) => {
        if (this.signal.aborted) return;
        this.failure = { error };
        this.controller.abort();
      })
      .finally(() => this.running.delete(running));
    this.running.add(running);
  }

  /** Resolves when every task has ended after the signal; raises the first failure. */
  async ended(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
    this.controller.abort();
    if (this.failure) throw this.failure.error;
  }
}
