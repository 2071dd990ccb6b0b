import { expect, test } from "vitest";
import { newSecret } from "./api-key-text.js";

test("a cred key is 43 alphanumerics, and all 62 of them occur", () => {
  const keys = Array.from({ length: 200 }, () => newSecret("cred"));
  for (const key of keys) expect(key).toMatch(/^[A-Za-z0-9]{43}$/);
  expect(new Set(keys.join("")).size).toBe(62);
});

test("another says whose it is, and no two are alike", () => {
  expect(newSecret("native")).toMatch(/^fl_[\w-]{43}$/);
  expect(newSecret("edge-impulse")).toMatch(/^ei_[0-9a-f]{64}$/);
  expect(newSecret("hmac")).toMatch(/^[0-9a-f]{32}$/);
  for (const kind of ["native", "cred", "edge-impulse", "hmac"]) {
    expect(new Set(Array.from({ length: 100 }, () => newSecret(kind))).size).toBe(100);
  }
});
