import { seeded } from "@fieldlog/chance";

/** A repeatable source of chance. */
export class Chance {
  /** From 0 to 1, without 1. */
  readonly next: () => number;

  /** @param name another one, another source */
  constructor(seed: number, name = "") {
    let mixed = seed;
    for (const char of name) mixed = Math.imul(mixed ^ (char.codePointAt(0) ?? 0), 0x01000193);
    this.next = seeded(mixed);
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
