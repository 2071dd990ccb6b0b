import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rangeOf } from "./range.js";

describe("a range", () => {
  it("is what RFC 9110 has, of one stretch", () => {
    expect(rangeOf("bytes=0-0", 10)).toEqual({ from: 0, to: 1 });
    expect(rangeOf("bytes=2-", 10)).toEqual({ from: 2, to: 10 });
    expect(rangeOf("bytes=2-99", 10)).toEqual({ from: 2, to: 10 });
    expect(rangeOf("bytes=-3", 10)).toEqual({ from: 7, to: 10 });
    expect(rangeOf("bytes=-30", 10)).toEqual({ from: 0, to: 10 });
  });

  it("is refused where nothing of it is there, and passed over where it is not understood", () => {
    for (const header of ["bytes=10-", "bytes=99-100", "bytes=-0"])
      expect(rangeOf(header, 10)).toBe("unsatisfiable");
    for (const header of [undefined, "", "bytes=-", "bytes=3-2", "bytes=0-1,3-4", "items=0-1", "bytes=a-b"]) {
      expect(rangeOf(header, 10)).toBeUndefined();
    }
  });

  it("lies within what is there, whatever was asked", () => {
    const header = fc.tuple(fc.nat(200), fc.nat(200)).map(([from, to]) => `bytes=${from}-${to}`);
    fc.assert(
      fc.property(fc.oneof(header, fc.string()), fc.nat(100), (asked, bytes) => {
        const range = rangeOf(asked, bytes);
        if (typeof range !== "object") return;
        expect(range.from).toBeGreaterThanOrEqual(0);
        expect(range.from).toBeLessThan(range.to);
        expect(range.to).toBeLessThanOrEqual(bytes);
      }),
    );
  });
});
