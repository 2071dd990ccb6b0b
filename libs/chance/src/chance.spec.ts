import { expect, it } from "vitest";
import { seeded } from "./chance.js";

const numbers = (seed: number, count: number) => Array.from({ length: count }, seeded(seed));

it("gives the same numbers for the same seed, on every machine", () => {
  expect(numbers(7, 3)).toEqual(numbers(7, 3));
  expect(numbers(8, 3)).not.toEqual(numbers(7, 3));
  expect(numbers(1, 2)).toEqual([0.6270739405881613, 0.002735721180215478]);
});

it("takes every part of the span from 0 to 1 as often", () => {
  const tenths = numbers(1, 10_000).map((number) => Math.floor(number * 10));
  const counts = Map.groupBy(tenths, (tenth) => tenth);
  expect([...counts.keys()].toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const { length } of counts.values()) expect(Math.abs(length - 1_000)).toBeLessThan(150);
});
