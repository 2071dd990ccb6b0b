import fc from "fast-check";
import { expect, it } from "vitest";
import { instant, instantOfSeconds, millisOfSeconds } from "./instant.js";

it("a time is written as RFC 3339", () => {
  expect(instant(0n)).toBe("1970-01-01T00:00:00.000Z");
});

it("a time outside of the years 1 to 9999 becomes the nearest inside", () => {
  expect(instant(2n ** 63n - 1n)).toBe("9999-12-31T23:59:59.999Z");
  expect(instant(-(2n ** 63n))).toBe("0001-01-01T00:00:00.000Z");
});

it("any time in between is written as Date writes it", () => {
  const min = Date.parse("0001-01-01T00:00:00.000Z");
  const max = Date.parse("9999-12-31T23:59:59.999Z");
  fc.assert(
    fc.property(fc.integer({ min, max }), (ms) => {
      expect(instant(ms)).toBe(new Date(ms).toISOString());
    }),
  );
});

it("seconds are cut to milliseconds, and never change their order", () => {
  expect(instantOfSeconds(1.2345)).toBe("1970-01-01T00:00:01.234Z");
  expect(instantOfSeconds(-0.0001)).toBe("1969-12-31T23:59:59.999Z");
  expect([Number.NaN, Number.NEGATIVE_INFINITY].map(instantOfSeconds)).toEqual([
    "1970-01-01T00:00:00.000Z",
    "0001-01-01T00:00:00.000Z",
  ]);
  const seconds = fc.oneof(fc.double({ noNaN: true }), fc.double({ min: -3e9, max: 3e9, noNaN: true }));
  fc.assert(
    fc.property(seconds, seconds, (one, other) => {
      const [first, last] = one <= other ? [one, other] : [other, one];
      expect(millisOfSeconds(first)).toBeLessThanOrEqual(millisOfSeconds(last));
    }),
  );
});
