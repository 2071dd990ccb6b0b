import { expect, it } from "vitest";
import { number, wholeNumber } from "./number.js";

it("takes numbers within the bounds", () => {
  expect(["0.5", "1", " 2 ", "1e1"].map(number(0.5, 10))).toEqual([0.5, 1, 2, 10]);
  expect(["0", "10"].map(wholeNumber(0, 10))).toEqual([0, 10]);
});

it.each(["", " ", "-1", "11", "1.5.", "many", "NaN", "Infinity"])("refuses %j", (text) => {
  expect(() => number(0, 10)(text)).toThrow("a number from 0 to 10");
  expect(() => wholeNumber(0, 10)(text)).toThrow("a whole number from 0 to 10");
});

it("refuses a fraction where a whole number is asked for", () => {
  expect(() => wholeNumber(0, 10)("1.5")).toThrow("a whole number from 0 to 10");
});
