import { Problem } from "./problem.js";

const BUSY_S = 5;

/** How much heavy work of one kind this edge does at once. Take a place after the caller's right to it is known. */
export class AtOnce {
  private count = 0;

  /** @param busy what those are told for whom there is no place */
  constructor(
    private readonly most: number,
    private readonly busy: string,
  ) {}

  /** Raises Problem 503 when all places are taken, and whatever the work raises. */
  async do<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.count >= this.most) throw new Problem(503, this.busy, { retryAfterS: BUSY_S });
    this.count++;
    try {
      return await work();
    } finally {
      this.count--;
    }
  }
}
