/** Milliseconds. */
const LEFT_OUT_MS = 5_000;

/**
 * Namespaces of which nothing could be stored just now: they are left out for a while, so that others do not wait behind
 * what is the oldest and stays it.
 */
export class LeftOut {
  private readonly until = new Map<string, number>();

  /** @param now ms since 1970 UTC */
  constructor(private readonly now: () => number = Date.now) {}

  names(): string[] {
    for (const [namespace, until] of this.until) if (until <= this.now()) this.until.delete(namespace);
    return [...this.until.keys()];
  }

  /** After a round. @param results of what was to be stored, in order */
  note(
    of: readonly { readonly namespace: string }[],
    results: readonly PromiseSettledResult<unknown>[],
  ): void {
    const taken = of.filter((_, index) => results[index]?.status === "fulfilled");
    const taking = new Set(taken.map(({ namespace }) => namespace));
    for (const { namespace } of of) {
      if (!taking.has(namespace)) this.until.set(namespace, this.now() + LEFT_OUT_MS);
    }
  }
}
