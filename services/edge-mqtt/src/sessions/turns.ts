/** Lets those who want the same thing have it one after the other. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  has(key: string): boolean {
    return this.last.has(key);
  }

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key);
    const mine = (before ?? Promise.resolve()).then(work, work);
    this.last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.last.get(key) === mine) this.last.delete(key);
    }
  }
}
