import { describe, expect, it } from "vitest";
import { parseKeepingNumbers, pythonText } from "./python-text.js";

describe("a value as text", () => {
  it.each([
    ['"as it is"', "as it is"],
    ["25.5", "25.5"],
    ["25", "25"],
    ["25.0", "25.0"],
    ["-0", "0"],
    ["-0.0", "-0.0"],
    ["12345678901234567890123", "12345678901234567890123"],
    ["1e3", "1000.0"],
    ["1e15", "1000000000000000.0"],
    ["1e16", "1e+16"],
    ["1.5e300", "1.5e+300"],
    ["0.0001", "0.0001"],
    ["0.00001", "1e-05"],
    ["-0.0000025", "-2.5e-06"],
    ["1e999", "inf"],
    ["-1e999", "-inf"],
    ["true", "True"],
    ["false", "False"],
    ["null", "None"],
    ['[1, "a", null, [true]]', "[1, 'a', None, [True]]"],
    ['{"a": {"b": 1.0}, "it\'s": "\\"x\\" \\n"}', `{'a': {'b': 1.0}, "it's": '"x" \\n'}`],
    ["{}", "{}"],
  ])("of %s is what Python's str() makes of it: %s", (json, text) => {
    expect(pythonText(parseKeepingNumbers(json))).toBe(text);
  });

  it("is refused when it is nested too deeply", () => {
    const deep = `${"[".repeat(1_000)}${"]".repeat(1_000)}`;
    expect(() => pythonText(parseKeepingNumbers(deep))).toThrow("nested too deeply");
  });
});
