import { describe, expect, it } from "vitest";
import { numberArray, textArray } from "./postgres-array.js";

describe("an array for Postgres", () => {
  it("holds texts, each in quotes, so that none means anything else", () => {
    expect(textArray([])).toBe("{}");
    expect(textArray(["a", "null", "", 'q"\\,{}'])).toBe('{"a","null","","q\\"\\\\,{}"}');
  });

  it("holds numbers to their last digit", () => {
    expect(numberArray([0.1, 1e300, Number.NEGATIVE_INFINITY, Number.NaN])).toBe(
      "{0.1,1e+300,-Infinity,NaN}",
    );
  });
});
