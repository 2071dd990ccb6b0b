import fc from "fast-check";
import { expect, it } from "vitest";
import { instant } from "./instant.js";

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
