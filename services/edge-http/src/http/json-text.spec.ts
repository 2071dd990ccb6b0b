import { limits } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { jsonText } from "./json-text.js";

const most = limits.eventDataDepth;
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

describe("JSON that is written again", () => {
  it("is as it came, as deep as it may be", () => {
    const value = { a: [1, { b: null }], c: "d", e: nested(most - 1) };
    expect(JSON.parse(jsonText(value, Error))).toEqual(value);
    expect(jsonText("a", Error)).toBe('"a"');
    expect(jsonText(nested(most), Error)).toHaveLength(2 * most);
  });

  it.each([most + 1, 5_000, 200_000])("is refused with %i lists in each other", (depth) => {
    expect(() => jsonText(nested(depth), RangeError)).toThrow(/in each other/);
    expect(() => jsonText({ a: [{ b: nested(depth) }] }, RangeError)).toThrow(/in each other/);
  });
});
