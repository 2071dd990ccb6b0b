import { describe, expect, it } from "vitest";
import { sessionKeyIn } from "./access.js";

describe("the session in a cookie", () => {
  it.each([
    ["sessionKey=abc", "abc"],
    ['a=b; sessionKey="abc" ; c=d', "abc"],
    ['sessionKey="abc', "abc"],
    ['sessionKey=abc"', "abc"],
    ["sessionKey=", ""],
  ])("of %s is there", (cookie, key) => {
    expect(sessionKeyIn(cookie)).toBe(key);
  });

  it.each([undefined, "", "a=sessionKey=b", 'sessionKey="a"b', 'sessionKey="a""'])(
    "of %s is not",
    (cookie) => {
      expect(sessionKeyIn(cookie)).toBeUndefined();
    },
  );

  it("is looked for in one go: the square of this length would take minutes", () => {
    expect(sessionKeyIn(`sessionKey=${" ".repeat(400_000)}""x`)).toBeUndefined();
  });
});
