/** Lets one piece of work at a time use a session; the others wait in order. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<R>(work: () => Promise<R>): Promise<R> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }
}
