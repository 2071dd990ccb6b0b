import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64Bytes } from "./base64.js";

describe("base64", () => {
  it("gives back what was encoded, padded or not", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(base64Bytes(text)).toEqual(Buffer.from(bytes));
        expect(base64Bytes(text.replaceAll("=", ""))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each(["*", "A", "AB*D", "AB\nCD", "AB=CD", "A===", "=", "====", "AAAA=", "ABCD EFG"])(
    "is not %j",
    (text) => {
      expect(base64Bytes(text)).toBeUndefined();
    },
  );
});
