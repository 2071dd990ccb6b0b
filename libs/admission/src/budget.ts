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
    if (now > this.at) {
      this.left = Math.min(this.burst, this.left + ((now - this.at) * this.perSecond) / 1000);
      this.at = now;
    }
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
