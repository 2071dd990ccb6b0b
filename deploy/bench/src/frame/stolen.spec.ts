import { describe, expect, it } from "vitest";
import { percent, timesOf } from "./stolen.js";

describe("the time that the host takes", () => {
  it("is the eighth of the processors' times", () => {
    const stat = "cpu  100 0 50 700 40 5 5 100 30 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
    expect(timesOf(stat)).toEqual({ all: 1000, stolen: 100 });
  });

  it("is not known where the system does not tell", () => {
    expect(timesOf("")).toBeUndefined();
    expect(timesOf("cpu  1 2 3\n")).toBeUndefined();
  });

  it("is told in percent", () => {
    expect(percent(0.234)).toBe("23 %");
  });
});
