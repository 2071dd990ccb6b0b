import { setTimeout as sleep } from "node:timers/promises";

export interface BackOffTimes {
  /** ms of the first pause, and of the longest. */
  readonly firstMs: number;
  readonly mostMs: number;
}

/** Pauses between attempts: each twice as long as the one before, and each by chance between half of that and all. */
export class BackOff {
  private failures = 0;

  constructor(
    private readonly times: BackOffTimes,
    private readonly chance: () => number = Math.random,
  ) {}

  /** It worked: the next pause is a short one again. */
  reset(): void {
    this.failures = 0;
  }

  /** ms of the pause that comes now. */
  next(): number {
    const { firstMs, mostMs } = this.times;
    const full = Math.min(mostMs, firstMs * 2 ** Math.min(this.failures++, 30));
    return full / 2 + (full / 2) * this.chance();
  }

  /** Waits for that long; rejects when the signal says so. */
  async pause(signal: AbortSignal): Promise<void> {
    await sleep(this.next(), undefined, { signal });
  }
}
