import { expect, it } from "vitest";
import { nextAttempt } from "./schedule.js";

const attempts = (random: number) => Array.from({ length: 10 }, (_, i) => nextAttempt(i + 1, 0, 0, random));

it("follows the specification's schedule: ten attempts within some three days", () => {
  expect(attempts(0)).toEqual([
    ...[5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000],
    undefined,
  ]);
});

it("spreads attempts, by a tenth of the pause", () => {
  expect(nextAttempt(1, 1_000, 0, 1)).toBe(6_500);
  for (let i = 0; i < 100; i++) expect(nextAttempt(1, 1_000)).toSatisfy(Number.isInteger);
});

it("waits for as long as the endpoint asks, but for no more than a day", () => {
  expect(nextAttempt(1, 0, 60, 0)).toBe(60_000);
  expect(nextAttempt(3, 0, 60, 0)).toBe(1_800_000);
  expect(nextAttempt(1, 0, 1e12, 0)).toBe(86_400_000);
});
