import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { indexOf, positionOf, sequenceOf } from "./position.js";

const sequence = fc.integer({ min: 1, max: 2 ** 40 });
const index = fc.integer({ min: 0, max: 4095 });

describe("positions", () => {
  it("hold sequence and index", () => {
    fc.assert(
      fc.property(sequence, index, (s, i) => {
        const position = positionOf(s, i);
        expect(Number.isSafeInteger(position)).toBe(true);
        expect([sequenceOf(position), indexOf(position)]).toEqual([s, i]);
      }),
    );
  });

  it("order events as the log does", () => {
    fc.assert(
      fc.property(sequence, index, sequence, index, (s1, i1, s2, i2) => {
        const before = s1 < s2 || (s1 === s2 && i1 < i2);
        expect(positionOf(s1, i1) < positionOf(s2, i2)).toBe(before);
      }),
    );
  });

  it("refuse an index that no commit has", () => {
    expect(() => positionOf(1, 4096)).toThrow(RangeError);
    expect(() => positionOf(1, -1)).toThrow(RangeError);
  });
});
