import { ClientClosed, MessageLost } from "../errors.js";

interface Waiter {
  readonly id: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Who waits until a message has arrived. All before one that has arrived have arrived, were refused or dropped. */
export class Waiters {
  /** Ascending ids. */
  private waiting: Waiter[] = [];
  private arrivedThrough = 0;
  private readonly lost = new Map<number, MessageLost>();

  /** Rejects with MessageLost, or ClientClosed. */
  wait(id: number): Promise<void> {
    if (id <= this.arrivedThrough) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const before = this.waiting.findLastIndex((waiter) => waiter.id <= id);
      this.waiting.splice(before + 1, 0, { id, resolve, reject });
    });
  }

  /** It will not arrive; its waiter is told when its turn comes. */
  refuse(id: number, reason: string): void {
    if (this.waiting.some((waiter) => waiter.id === id)) {
      this.lost.set(id, new MessageLost("message-refused", reason));
    }
  }

  arrived(throughId: number): void {
    this.arrivedThrough = Math.max(this.arrivedThrough, throughId);
    this.settle(throughId, (waiter) => {
      const lost = this.lost.get(waiter.id);
      this.lost.delete(waiter.id);
      if (lost === undefined) waiter.resolve();
      else waiter.reject(lost);
    });
  }

  dropped(throughId: number): void {
    const error = new MessageLost("message-dropped", "there was no room for it beside newer ones");
    this.settle(throughId, (waiter) => waiter.reject(error));
  }

  close(): void {
    this.settle(Number.POSITIVE_INFINITY, (waiter) => waiter.reject(new ClientClosed()));
  }

  private settle(throughId: number, tell: (waiter: Waiter) => void): void {
    if ((this.waiting[0]?.id ?? Number.POSITIVE_INFINITY) > throughId) return;
    const rest = this.waiting.findIndex((waiter) => waiter.id > throughId);
    const done = this.waiting.splice(0, rest < 0 ? this.waiting.length : rest);
    for (const waiter of done) tell(waiter);
  }
}
