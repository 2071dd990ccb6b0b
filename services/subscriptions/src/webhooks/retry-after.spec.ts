import { expect, it } from "vitest";
import { retryAfterOf } from "./retry-after.js";

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);

it.each([
  ["120", 120],
  ["Sat, 21 Nov 2026 12:01:00 GMT", 60],
  ["Sat, 21 Nov 2026 11:00:00 GMT", 0],
  ["-5", 0],
  ["1e9", 0],
  ["99999999999999999999", 0],
  ["tomorrow", 0],
  ["2026-11-22", 0],
  [undefined, 0],
  [["1", "2"], 0],
])("%s is a wait of %d seconds", (header, seconds) => {
  expect(retryAfterOf(header, NOW)).toBe(seconds);
});
