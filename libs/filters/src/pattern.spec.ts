import { array, assert, constantFrom, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { Pattern } from "./pattern.js";

const matches = (pattern: string, name: string) => new Pattern(pattern).matches(name);

describe("a star stands for any characters", () => {
  test.each([
    ["*", "", true],
    ["Light*", "Light", true],
    ["Light*", "LightOn", true],
    ["Light*", "light", false],
    ["*On", "LightOn", true],
    ["*On", "LightOnce", false],
    ["L*n", "LightOn", true],
    ["ab*ba", "aba", false],
    ["ab*ba", "abba", true],
    ["*ght*O*", "LightOn", true],
    ["*ght*O*O*", "LightOn", false],
    ["*aab*", "aaaab", true],
    ["***", "anything", true],
    ["a.c*", "abc", false],
  ])("%s, %s: %s", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });
});

test("it agrees with a definition by recursion", () => {
  const isMatch = (pattern: string, name: string): boolean => {
    if (pattern === "") return name === "";
    if (pattern.startsWith("*")) {
      return isMatch(pattern.slice(1), name) || (name !== "" && isMatch(pattern, name.slice(1)));
    }
    return name !== "" && pattern[0] === name[0] && isMatch(pattern.slice(1), name.slice(1));
  };
  const texts = (letters: readonly string[], maxLength: number) =>
    array(constantFrom(...letters), { maxLength }).map((all) => all.join(""));
  assert(
    property(texts(["a", "b", "*", "*"], 9), texts(["a", "b"], 12), (pattern, name) => {
      expect(matches(`${pattern}*`, name)).toBe(isMatch(`${pattern}*`, name));
      expect(matches(`*${pattern}`, name)).toBe(isMatch(`*${pattern}`, name));
    }),
    { numRuns: 2_000 },
  );
});

test("every text matches itself with stars between its characters", () => {
  assert(
    property(string({ unit: "binary", minLength: 1 }), (text) => {
      expect(matches(`*${[...text].join("*")}*`, text)).toBe(true);
    }),
  );
});

test("hostile patterns are decided in as many steps as the name is long", () => {
  // By backtracking, the first would take 2 ** 300 steps; by a naive search, the second a million each time.
  expect(matches(`${"a*".repeat(300)}b`, "a".repeat(1_024))).toBe(false);
  const pattern = new Pattern(`*${"a".repeat(511)}b*`);
  const name = "a".repeat(1_024);
  for (let time = 0; time < 1_000; time++) if (pattern.matches(name)) throw new Error("it matches");
});
