/**
 * Stores in the order in which it was asked, although some have to be made ready first. Of what is being made ready it
 * holds no more than was asked for.
 */
export class Lane {
  private last: Promise<unknown> | undefined;

  /** `store` is called when `ready` is there and all that was asked before has been stored. */
  run<T, R>(ready: T | Promise<T>, store: (value: T) => Promise<R>): Promise<R> {
    if (this.last === undefined && !(ready instanceof Promise)) return store(ready);
    const before = this.last;
    const value = Promise.resolve(ready);
    // Only begun in order: what is stored in one turn has one flush.
    let begun: () => void = () => {};
    const turn = new Promise<void>((resolve) => {
      begun = resolve;
    });
    this.last = turn;
    const work = async (): Promise<R> => {
      try {
        await before;
        return await startOf(store, await value, begun);
      } finally {
        begun();
        if (this.last === turn) this.last = undefined;
      }
    };
    value.catch(() => {});
    return work();
  }
}

function startOf<T, R>(store: (value: T) => Promise<R>, value: T, begun: () => void): Promise<R> {
  const stored = store(value);
  begun();
  return stored;
}
