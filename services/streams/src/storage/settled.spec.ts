import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { resultOf, settled } from "./settled.js";

describe("work on many", () => {
  it("is done on so many at once, and its results are in order", async () => {
    const working = { now: 0, most: 0 };
    const results = await settled([5, 1, 4, 2, 3], 2, async (turns) => {
      working.most = Math.max(working.most, ++working.now);
      for (let index = 0; index < turns; index++) await turn();
      working.now--;
      return turns * 10;
    });
    expect(results.map(resultOf)).toEqual([50, 10, 40, 20, 30]);
    expect(working.most).toBe(2);
  });

  it("goes on where some of it fails", async () => {
    const results = await settled([1, 2, 3], 8, async (one) => {
      if (one === 2) throw new RangeError("two");
      return one;
    });
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(() => results.map(resultOf)).toThrow(new RangeError("two"));
    expect(await settled([], 8, async () => 1)).toEqual([]);
  });
});
