import { percentile } from "../frame/statistics.js";
import type { LoadReport } from "./orders.js";

const OK = 200;

/** Counts the answers of a run, and how long those in the measured time took. */
export class Tally {
  acknowledged = 0;
  ranOut = false;
  #measured = 0;
  #latencies = new Float64Array(1 << 16);
  readonly #failures = new Map<string, number>();
  readonly #from: number;
  readonly #until: number;

  /** Times by `performance.now()`. */
  constructor(from: number, until: number) {
    this.#from = from;
    this.#until = until;
  }

  /** An HTTP answer at `now` to a request of `since`. */
  answer(status: number, since: number, now: number): void {
    if (status === OK) this.took(since, now);
    else this.failure(`HTTP ${status}`);
  }

  /** Something of `since` was acknowledged at `now`. */
  took(since: number, now: number): void {
    this.acknowledged++;
    if (now < this.#from || now >= this.#until) return;
    if (this.#measured === this.#latencies.length) {
      const longer = new Float64Array(this.#latencies.length * 2);
      longer.set(this.#latencies);
      this.#latencies = longer;
    }
    this.#latencies[this.#measured++] = now - since;
  }

  failure(reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** `end`: when the measuring ended, if that was before its time. */
  report(open: number, end = this.#until): LoadReport {
    const latencies = this.#latencies.subarray(0, this.#measured).sort();
    const at = (share: number) => (latencies.length > 0 ? percentile(latencies, share) : 0);
    return {
      acknowledged: this.acknowledged,
      failures: Object.fromEntries(this.#failures),
      perSecond: this.#measured / (Math.max(1, Math.min(end, this.#until) - this.#from) / 1000),
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
      open,
      ranOut: this.ranOut,
    };
  }
}
