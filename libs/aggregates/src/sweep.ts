import type { Logger } from "@fieldlog/runtime";

export interface SweepOptions {
  /** Milliseconds between two looks. */
  readonly everyMs: number;
  /** Finds what is due and decides on it, by `each` one after the other. What it raises ends this look alone. */
  readonly look: (each: Each) => Promise<void>;
  readonly logger: Pick<Logger, "debug">;
}

/** Decides on one after the other, until the sweep is stopped. */
export type Each = <Due>(due: readonly Due[], decide: (one: Due) => Promise<unknown>) => Promise<void>;

/** What time decides, looked for again and again. Every replica does: of two that decide on one, the second has nothing to decide. */
export class Sweep {
  private stopped = false;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: SweepOptions) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.once().finally(() => {
        if (!this.stopped) this.start();
      });
    }, this.options.everyMs);
  }

  /** Ends after the decision that is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
  }

  private async once(): Promise<void> {
    try {
      await this.options.look((due, decide) => this.each(due, decide));
    } catch (err) {
      this.options.logger.debug({ err }, "what is due waits for the next look");
    }
  }

  private async each<Due>(due: readonly Due[], decide: (one: Due) => Promise<unknown>): Promise<void> {
    for (const one of due) {
      if (this.stopped) return;
      await decide(one);
    }
  }
}
