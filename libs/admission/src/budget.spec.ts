import { expect, it } from "vitest";
import { Budget } from "./budget.js";

it("lets a burst through, and then as many as its rate allows", () => {
  const budget = new Budget(10, 20);
  const taken = (now: number, tries: number) =>
    Array.from({ length: tries }, () => budget.take(now)).filter(Boolean).length;
  expect(taken(1_000, 30)).toBe(20);
  expect(taken(1_050, 5)).toBe(0);
  expect(taken(1_500, 30)).toBe(5);
  expect(taken(60_000, 30)).toBe(20);
  expect(taken(59_000, 5)).toBe(0);
});

it("tells who may wait for how long, and forgets nothing that was taken too much", () => {
  const budget = new Budget(100, 2);
  expect([1, 2, 3, 4].map(() => budget.spend(1_000))).toEqual([0, 0, 10, 20]);
  expect(budget.take(1_020)).toBe(false);
  expect(budget.spend(1_030)).toBe(0);
});
