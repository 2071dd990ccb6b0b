import { type LeaseOptions, type LeaseState, underLease } from "./lease.js";
import type { ReadModelLogger } from "./logger.js";

export interface LeasedWorkOptions extends Omit<LeaseOptions, "signal"> {
  /** Told of each change once. */
  readonly logger: Pick<ReadModelLogger, "info" | "warn">;
}

/** Work of one replica at a time, from the start of its service to the stop; see {@link underLease}. */
export class LeasedWork {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private state: LeaseState | undefined;

  /** @param work ends when its signal is aborted, and not before. If it fails it is done again, here or elsewhere */
  constructor(
    private readonly options: LeasedWorkOptions,
    private readonly work: (signal: AbortSignal) => Promise<void>,
  ) {}

  /** Returns at once; waits for Postgres by itself. */
  start(): void {
    const onChange = (state: LeaseState, reason?: string) => this.changed(state, reason);
    this.running = underLease({ ...this.options, onChange, signal: this.ending.signal }, this.work);
  }

  /** Ends after what is under way. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private changed(state: LeaseState, reason?: string): void {
    const { name, logger, onChange } = this.options;
    onChange?.(state, reason);
    if (state === this.state) return;
    this.state = state;
    if (state === "away") logger.warn({ reason }, `lease of ${name}: away`);
    else logger.info({}, `lease of ${name}: ${state}`);
  }
}
