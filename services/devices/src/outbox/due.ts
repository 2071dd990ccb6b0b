import type { Id } from "@fieldlog/aggregates";

/** Devices that wait to be served, each once, in the order in which they came. */
export class Due {
  private readonly waiting = new Map<string, Id>();
  private readonly taken = new Set<string>();
  private wake: () => void = () => undefined;

  /** Waiting, and being served. */
  get size(): number {
    return this.waiting.size + this.taken.size;
  }

  add(id: Id): void {
    this.waiting.set(keyOf(id), id);
    this.wake();
  }

  /** The first ones, at most `count`, as soon as there are any; none: the signal was aborted. */
  async take(count: number, signal: AbortSignal): Promise<Id[]> {
    while (this.waiting.size === 0 && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = () => resolve();
      this.wake = resolve;
      signal.addEventListener("abort", stop);
      await promise;
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) return [];
    const ids: Id[] = [];
    for (const id of this.waiting.values()) {
      if (ids.push(id) === count) break;
    }
    for (const id of ids) {
      this.waiting.delete(keyOf(id));
      this.taken.add(keyOf(id));
    }
    return ids;
  }

  /** A device that was taken is served. */
  done(id: Id): void {
    this.taken.delete(keyOf(id));
  }
}

function keyOf({ namespace, id }: Id): string {
  return JSON.stringify([namespace, id]);
}
