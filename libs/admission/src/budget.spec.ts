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
