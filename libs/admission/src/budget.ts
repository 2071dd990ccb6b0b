/** How many requests one credential may still send: a token bucket. Pure: reads no clock. */
export class Budget {
  private left: number;
  private at = 0;

  constructor(
    private readonly perSecond: number,
    private readonly burst: number,
  ) {
    this.left = burst;
  }

  /** Takes one; false: none is left. @param now ms since 1970 */
  take(now: number): boolean {
    this.refill(now);
    if (this.left < 1) return false;
    this.left--;
    return true;
  }

  /**
   * Takes one even if none is left, for who can be made to wait instead of being refused.
   *
   * @param now ms since 1970
   * @returns ms until what was taken too much is earned; 0: nothing was
   */
  spend(now: number): number {
    this.refill(now);
    this.left--;
    return this.left >= 0 ? 0 : (-this.left * 1000) / this.perSecond;
  }

  private refill(now: number): void {
    if (now <= this.at) return;
    this.left = Math.min(this.burst, this.left + ((now - this.at) * this.perSecond) / 1000);
    this.at = now;
  }
}
