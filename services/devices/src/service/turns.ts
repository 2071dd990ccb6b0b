/** Lets work on one key wait for the work on it that came before. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Keys that are worked on or waited for. */
  get size(): number {
    return this.last.size;
  }

  /** Does the work when all that came before for this key is done, however it ended. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key) ?? Promise.resolve();
    const own = before.then(work, work);
    this.last.set(key, own);
    try {
      return await own;
    } finally {
      if (this.last.get(key) === own) this.last.delete(key);
    }
  }
}
