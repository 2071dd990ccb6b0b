import type { Id } from "@fieldlog/aggregates";
import type { Logger } from "@fieldlog/runtime";
import type { Rows } from "./rows.js";
import type { Samplings } from "./samplings.js";

/** Milliseconds between two looks for what is overdue, and for what waits though its device may be free. */
const SWEEP_MS = 250;
const WAITING_MS = 5_000;

export interface SweepParts {
  readonly rows: Pick<Rows, "due" | "waiting">;
  readonly samplings: Pick<Samplings, "expire" | "goOn">;
  readonly logger: Pick<Logger, "debug">;
  readonly now: () => number;
}

/**
 * Ends samplings whose time is over, and sends what waits for a device of whose coming nobody was told. Every replica
 * does: of two that decide on one, the second has nothing to decide.
 */
export class Sweep {
  private readonly ending = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private lookedForWaiting = 0;

  constructor(private readonly parts: SweepParts) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.once().finally(() => {
        if (!this.ending.signal.aborted) this.start();
      });
    }, SWEEP_MS);
  }

  async stop(): Promise<void> {
    this.ending.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  /** Whatever does not answer is asked again at the next look. */
  async once(): Promise<void> {
    const { rows, samplings, logger, now } = this.parts;
    try {
      await this.each(await rows.due(now()), (id) => samplings.expire(id));
      if (now() - this.lookedForWaiting < WAITING_MS) return;
      this.lookedForWaiting = now();
      await this.each(await rows.waiting(), (id) => samplings.goOn(id));
    } catch (err) {
      logger.debug({ err }, "what is overdue waits for the next look");
    }
  }

  private async each(ids: readonly Id[], work: (id: Id) => Promise<void>): Promise<void> {
    for (const id of ids) {
      if (this.ending.signal.aborted) return;
      await work(id);
    }
  }
}
