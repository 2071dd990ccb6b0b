import { type Chance, seeded } from "@fieldlog/chance";

export type { Chance };

/** Another source for each name, so that what one user draws does not change what others get. */
export function chanceFor(seed: number, name: string): Chance {
  let mixed = seed | 0;
  for (const char of name) mixed = Math.imul(mixed ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return seeded(mixed);
}

export const between = (chance: Chance, least: number, most: number): number =>
  least + chance() * (most - least);

/** Raises RangeError of an empty list. */
export function oneOf<T>(chance: Chance, list: readonly T[]): T {
  const found = list[Math.floor(chance() * list.length)];
  if (found === undefined) throw new RangeError("nothing to choose from");
  return found;
}

/** A new list in another order. */
export function shuffled<T>(chance: Chance, list: readonly T[]): T[] {
  return list
    .map((each) => ({ each, order: chance() }))
    .sort((a, b) => a.order - b.order)
    .map(({ each }) => each);
}
