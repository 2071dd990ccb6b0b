import { expect, test } from "vitest";
import { newVerificationCode, verificationCode } from "./verification-code.js";

test("a code has two groups of letters that nobody mistakes, and is known however it is written", () => {
  for (let i = 0; i < 200; i++) {
    const code = newVerificationCode();
    expect(code).toMatch(/^[2-9BCDFGHJKMNPQRSTVWXYZ]{4}-[2-9BCDFGHJKMNPQRSTVWXYZ]{4}$/);
    expect(verificationCode(code.toLowerCase().replace("-", " "))).toBe(code);
  }
});

test.each([
  "",
  "K7QP3M4",
  "K7QP-3M4X9",
  "K0QP-3M4X",
  "-".repeat(1_000),
  "3b2f0e0c-0000-4000-8000-000000000000",
])("%s is none", (text) => expect(verificationCode(text)).toBeUndefined());
