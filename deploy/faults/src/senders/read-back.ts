/** Reads under way at once. */
const AT_ONCE = 4;

/** What large things hold, read from where they are kept, each once however often it is looked for. */
export class ReadBack {
  private readonly known = new Map<number, string>();

  /** @param read gives the digest of what is kept under a number */
  constructor(private readonly read: (key: number) => Promise<string>) {}

  /** Digests by number. Raises what `read` raises; what was read before that is not read again. */
  async of(keys: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const left = keys.filter((key) => !this.known.has(key));
    const reader = async () => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        this.known.set(key, await this.read(key));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, reader));
    return this.known;
  }
}
