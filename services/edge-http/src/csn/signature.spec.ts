import { describe, expect, it } from "vitest";
import { isSignedBy, signatureOf } from "./signature.js";

const secret = "0123456789abcdef".repeat(4);
const vectors = [
  ["2014-04-13T19:42:17.744", 1, "71b38fd8a2e428c6044e176567c0d285c0018eabacf1f8e56ff18001df0d27d0"],
  ["2014-04-13T19:36:43.305", 0, "5c83e82b57d2ad39568078f4a05f5692862cb43a4142888771df77f2b9c4b642"],
] as const;

describe("CSN signature", () => {
  it.each(vectors)("of %s, message %d, is as the reference client computes it", (date, id, signature) => {
    expect(signatureOf(date, id, secret)).toBe(signature);
    expect(isSignedBy(signature, date, id, secret)).toBe(true);
  });

  it("is wrong with any character changed, missing or added", () => {
    const [date, id, right] = vectors[0];
    expect(isSignedBy(right.toUpperCase(), date, id, secret)).toBe(false);
    expect(isSignedBy(`${right}0`, date, id, secret)).toBe(false);
    expect(isSignedBy(right.slice(1), date, id, secret)).toBe(false);
    expect(isSignedBy("", date, id, secret)).toBe(false);
    for (let i = 0; i < right.length; i++) {
      const changed = right.slice(0, i) + (right[i] === "0" ? "1" : "0") + right.slice(i + 1);
      expect(isSignedBy(changed, date, id, secret)).toBe(false);
    }
    expect(isSignedBy(right, date, id + 1, secret)).toBe(false);
    expect(isSignedBy(right, `${date}0`, id, secret)).toBe(false);
    expect(isSignedBy(right, date, id, `${secret}0`)).toBe(false);
  });
});
