import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDate, parseDate } from "./dates.js";

describe("CSN dates", () => {
  it("reads what strptime reads with %f: one to six digits of fraction", () => {
    const whole = Date.UTC(2014, 3, 13, 19, 42, 17);
    expect(parseDate("2014-04-13T19:42:17.744")).toBe(whole + 744);
    expect(parseDate("2014-04-13T19:42:17.7")).toBe(whole + 700);
    expect(parseDate("2014-04-13T19:42:17.744999")).toBe(whole + 744);
    expect(parseDate("2014-4-3T9:2:7.05")).toBe(Date.UTC(2014, 3, 3, 9, 2, 7, 50));
    expect(parseDate("0099-01-01T00:00:00.0")).toBe(new Date("0099-01-01T00:00:00Z").getTime());
  });

  it.each([
    "2014-04-13T19:42:17",
    "2014-04-13T19:42:17.",
    "2014-04-13T19:42:17.7444444",
    "2014-04-13T19:42:17.744Z",
    "2014-04-13T19:42:17.744+00:00",
    "2014-04-13 19:42:17.744",
    "2014-13-13T19:42:17.744",
    "2014-02-29T19:42:17.744",
    "1900-02-29T19:42:17.744",
    "2014-04-31T19:42:17.744",
    "2014-04-13T24:42:17.744",
    "2014-04-13T19:60:17.744",
    "2014-04-13T19:42:60.744",
    "0000-04-13T19:42:17.744",
    "14-04-13T19:42:17.744",
    "",
  ])("refuses %s", (text) => {
    expect(parseDate(text)).toBeUndefined();
  });

  it("reads the usual form as it reads any other", () => {
    const digits = fc.stringMatching(/^[0-3]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d\.\d{3}$/);
    const spoilt = fc
      .tuple(digits, fc.nat(22), fc.constantFrom("x", " ", "9", "/", ":"))
      .map(([text, at, by]) => text.slice(0, at) + by + text.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(digits, spoilt), (text) => {
        // A seventh digit takes it out of the usual form, and is beyond a millisecond.
        expect(parseDate(text)).toBe(parseDate(`${text}0`));
      }),
      { numRuns: 2000 },
    );
  });

  it("is not held up by a long text", () => {
    expect(parseDate("2014-04-13T19:42:17.7".padEnd(1_000_000, "4"))).toBeUndefined();
  });

  it("reads back every date that it writes", () => {
    const date = fc.date({
      min: new Date("0001-01-01T00:00:00Z"),
      max: new Date("9999-12-31T23:59:59.999Z"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (d) => {
        expect(parseDate(formatDate(d.getTime()))).toBe(d.getTime());
      }),
    );
  });
});
