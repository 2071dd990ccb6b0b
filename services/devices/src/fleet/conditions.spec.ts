import { InvalidField } from "@fieldlog/decider";
import { expect, test } from "vitest";
import { conditionsIn, jsonPathOf } from "./conditions.js";

const condition = { field: "a", op: "=", value: 1 };

test("conditions are read, none is none, and the same are the same text again", () => {
  for (const none of ["", "[]"]) expect(conditionsIn(none, "f")).toBeUndefined();
  expect(conditionsIn(JSON.stringify([condition]), "f")).toEqual([condition]);
});

test.each<unknown>([
  {},
  [1],
  [{ ...condition, more: 1 }],
  [{ ...condition, field: "a..b" }],
  [{ ...condition, field: "" }],
  [{ ...condition, field: Array(11).fill("a").join(".") }],
  [{ ...condition, field: "x".repeat(1_025) }],
  [{ ...condition, op: "toString" }],
  [{ ...condition, op: "<", value: "1" }],
  [{ ...condition, value: null }],
  [{ ...condition, value: "\u0000" }],
  Array(17).fill(condition),
])("%j are no conditions", (given) => {
  expect(() => conditionsIn(JSON.stringify(given), "f")).toThrow(InvalidField);
});

test("what is no JSON are none", () => expect(() => conditionsIn("{", "f")).toThrow(InvalidField));

test("names and texts stay what they are in a path, whatever is in them", () => {
  expect(
    jsonPathOf([
      { field: "battery.level", op: "<", value: -5 },
      { field: 'a" || true', op: "=", value: '"\\\n) || (1 == 1' },
      { field: "on", op: "!=", value: false },
    ]),
  ).toBe(
    'strict $."battery"."level" < -5 && $."a\\" || true" == "\\"\\\\\\n) || (1 == 1" && $."on" != false',
  );
});
