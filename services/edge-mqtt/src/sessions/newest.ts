import { SIGNALS } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";

/** Milliseconds for which a sequence serves those who need one that was reached. */
const RECENT_MS = 5_000;

/** The log's newest sequence, asked for once for all who want to know at the same time. */
export class Newest {
  private asking: Promise<number> | undefined;
  private next: Promise<number> | undefined;
  private last = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly log: Pick<EventLog, "lastSequence">) {}

  /** The newest one at a moment after the call. Raises LogUnavailable. */
  now(): Promise<number> {
    if (this.next !== undefined) return this.next;
    if (this.asking === undefined) return this.ask();
    const next: Promise<number> = this.asking
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.ask();
      });
    this.next = next;
    return next;
  }

  /** One that was reached, a few seconds ago at most. Raises LogUnavailable. */
  async recent(): Promise<number> {
    return performance.now() - this.lastAt < RECENT_MS ? this.last : this.now();
  }

  private ask(): Promise<number> {
    const asking = this.log
      .lastSequence(SIGNALS)
      .then((sequence) => {
        this.last = sequence;
        this.lastAt = performance.now();
        return sequence;
      })
      .finally(() => {
        if (this.asking === asking) this.asking = undefined;
      });
    this.asking = asking;
    return asking;
  }
}
