/** A repeatable source of chance. */
export class Chance {
  private state: number;

  /** @param name another one, another source */
  constructor(seed: number, name = "") {
    this.state = seed | 0;
    for (const char of name) this.state = Math.imul(this.state ^ (char.codePointAt(0) ?? 0), 0x01000193);
  }

  /** From 0 to 1, without 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 on, below `most`. */
  below(most: number): number {
    return Math.floor(this.next() * most);
  }

  oneIn(times: number): boolean {
    return this.next() * times < 1;
  }

  /** Raises RangeError of an empty list. */
  of<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("nothing to choose from");
    return list[this.below(list.length)] as T;
  }

  /** A length up to `most`: short ones are as likely as long ones. */
  length(most: number): number {
    return Math.floor(2 ** (this.next() * Math.log2(most + 1)));
  }
}
