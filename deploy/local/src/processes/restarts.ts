import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** What has run this long is well again: its next end is its first. */
const WELL_MS = 60_000;

/** How long to wait before a process that ended is started again, after it ended `times` times in a row before. */
export function pauseMs(times: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(times, 16), LONGEST_PAUSE_MS);
}

export interface Kept {
  /** Raises when it ended before it was ready. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly pid: number;
}

export interface RestartOptions {
  readonly process: () => Kept;
  /** Gets what happens to it, for the log and the person, without its name. */
  readonly warn: (message: string) => void;
  readonly say: (message: string) => void;
  readonly now?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Starts one process again whenever it ends although nobody asked for that, after a pause that doubles each time. */
export class Restarts {
  readonly #stopping = new AbortController();
  #times = 0;
  #begun = 0;
  #under: Promise<void> = Promise.resolve();

  constructor(private readonly o: RestartOptions) {
    this.#begun = this.#now();
  }

  /** To be called when it has ended; `how`: its exit code or signal. */
  ended(how: string): void {
    if (!this.#stopping.signal.aborted) this.#under = this.#again(how);
  }

  /** Ends it, and starts it no more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.o.process().stop();
    await this.#under;
  }

  async #again(how: string): Promise<void> {
    const { warn, say } = this.o;
    if (this.#now() - this.#begun >= WELL_MS) this.#times = 0;
    for (let reason = how; ; ) {
      const ms = pauseMs(this.#times++);
      warn(`ended (${reason}); it is started again in ${ms / 1000} s`);
      await this.#pause(ms);
      if (this.#stopping.signal.aborted) return;
      try {
        await this.o.process().start();
        this.#begun = this.#now();
        return say(`is ready again (process ${this.o.process().pid})`);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        reason = (error as Error).message;
      }
    }
  }

  #now(): number {
    return this.o.now?.() ?? performance.now();
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    if (this.o.pause) return this.o.pause(ms, signal);
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }
}
