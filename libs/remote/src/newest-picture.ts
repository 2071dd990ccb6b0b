/**
 * Between pictures as they come and one who takes them at his own pace: the newest waits for him, the ones before it are
 * passed over. So a slow viewer sees fewer pictures, and never old ones.
 */
export class NewestPicture {
  /** Pictures that were not shown because a newer one came. */
  passedOver = 0;
  private isTaking = false;
  private waiting: Uint8Array | undefined;

  /** @param show returns true: it takes the next one at once; false: not before {@link taken} */
  constructor(private readonly show: (jpeg: Uint8Array) => boolean) {}

  offer(jpeg: Uint8Array): void {
    if (!this.isTaking) this.isTaking = !this.show(jpeg);
    else {
      if (this.waiting !== undefined) this.passedOver++;
      this.waiting = jpeg;
    }
  }

  /** What was shown has left. */
  taken(): void {
    const { waiting } = this;
    this.waiting = undefined;
    this.isTaking = waiting !== undefined && !this.show(waiting);
  }
}
