import type { registry } from "@fieldlog/contracts";
import type { Facts } from "../facts.js";
import { WILDCARD } from "../pattern.js";
import { Buckets } from "./buckets.js";
import type { Lookup, Place } from "./place.js";

/** Characters of a pattern's beginning that are told apart: bounds the look-ups of one event. */
const LONGEST = 32;

/** By names: those without a wildcard by themselves, the others by what they begin with. */
export class NameLookup<N> implements Lookup<N> {
  private readonly exact = new Buckets<string, N>();
  private readonly beginning = new Buckets<string, N>();
  /** How many kept patterns have a beginning of each length. */
  private readonly lengths: number[] = new Array(LONGEST + 1).fill(0);

  places({ names }: registry.EventFilter): Place<N>[] {
    const patterns = names.filter((name) => name.includes(WILDCARD));
    const beginnings = each(patterns.map((name) => name.slice(0, Math.min(name.indexOf(WILDCARD), LONGEST))));
    if (names.length === 0 || beginnings.includes("")) return [];
    const exact = this.exact.place(each(names.filter((name) => !name.includes(WILDCARD))));
    const beginning = this.beginning.place(beginnings);
    return [
      {
        load: Math.max(exact.load, beginning.load),
        put: (node) => {
          exact.put(node);
          beginning.put(node);
          this.count(beginnings, 1);
        },
        take: (node) => {
          exact.take(node);
          beginning.take(node);
          this.count(beginnings, -1);
        },
      },
    ];
  }

  find({ name }: Facts, found: (node: N) => void): void {
    this.exact.find(name, found);
    const longest = Math.min(LONGEST, name.length);
    for (let length = 1; length <= longest; length++) {
      if (this.lengths[length]) this.beginning.find(name.slice(0, length), found);
    }
  }

  private count(beginnings: readonly string[], by: number): void {
    for (const { length } of beginnings) this.lengths[length] = (this.lengths[length] ?? 0) + by;
  }
}

const each = (texts: readonly string[]) => [...new Set(texts)];
