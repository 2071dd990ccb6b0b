import { describe, expect, it } from "vitest";
import { copyStatement, copyText } from "./copy.js";

describe("the text format of COPY", () => {
  it("escapes what would end a column or a row", () => {
    expect(copyText("a\tb\nc\rd\\e")).toBe("a\\tb\\nc\\rd\\\\e");
    expect(copyText("\\N")).toBe("\\\\N");
  });
  it("writes absent values as null, and no other", () => {
    expect([copyText(null), copyText(undefined)]).toEqual(["\\N", "\\N"]);
    expect([copyText(""), copyText(0), copyText(false)]).toEqual(["", "0", "f"]);
  });
  it("writes numbers, times and bytes as Postgres reads them", () => {
    expect(copyText(-1.5e-7)).toBe("-1.5e-7");
    expect(copyText(9007199254740993n)).toBe("9007199254740993");
    expect(copyText(new Date(0))).toBe("1970-01-01T00:00:00.000Z");
    expect(copyText(Uint8Array.of(0, 255))).toBe("\\\\x00ff");
  });
  it("quotes the names", () => {
    expect(copyStatement('od"d', ["a", "b"], "s")).toBe('COPY "s"."od""d" ("a", "b") FROM STDIN');
  });
});
