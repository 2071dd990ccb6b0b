/** Lets work of one key be done one after another, in the order in which it was asked for; other keys do not wait. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(key);
    const done = before === undefined ? work() : before.then(work, work);
    this.last.set(key, done);
    const forget = () => {
      if (this.last.get(key) === done) this.last.delete(key);
    };
    done.then(forget, forget);
    return done;
  }

  /** Keys of which something is under way. */
  get size(): number {
    return this.last.size;
  }
}
