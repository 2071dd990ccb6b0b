import { describe, expect, it } from "vitest";
import { isLater } from "./edges.js";
import type { SessionRecord } from "./record.js";
import { disconnected, hasExpired, isDue } from "./wills.js";

const NOW = 1_000_000;
const record = (expiryS: number, delayS?: number) =>
  ({ owner: "edge", expiryS, will: delayS === undefined ? undefined : { delayS } }) as SessionRecord;

describe("a record whose connection has ended", () => {
  it("has its will due after the delay, or when the session ends if that is sooner", () => {
    expect(disconnected(record(60, 0), true, NOW).willDueAt).toBe(NOW);
    expect(disconnected(record(60, 10), true, NOW).willDueAt).toBe(NOW + 10_000);
    expect(disconnected(record(60, 100), true, NOW).willDueAt).toBe(NOW + 60_000);
    expect(disconnected(record(0, 100), true, NOW).willDueAt).toBe(NOW);
  });

  it("has none after a proper DISCONNECT, and where there was none", () => {
    for (const left of [disconnected(record(60, 10), false, NOW), disconnected(record(60), true, NOW)]) {
      expect(left).toMatchObject({ owner: "", will: undefined, willDueAt: undefined });
    }
  });

  it("expires, and its will is due, only while no edge has it", () => {
    const left = disconnected(record(60, 10), true, NOW);
    expect([isDue(left, NOW + 9_999), isDue(left, NOW + 10_000)]).toEqual([false, true]);
    expect([hasExpired(left, NOW + 59_999), hasExpired(left, NOW + 60_000)]).toEqual([false, true]);
    const taken = { ...left, owner: "edge" };
    expect([isDue(taken, NOW * 2), hasExpired(taken, NOW * 2)]).toEqual([false, false]);
  });
});

describe("of two that connect at once", () => {
  it("one is the later, whoever asks", () => {
    const [a, b, c] = [
      { at: 1, edge: "a" },
      { at: 1, edge: "b" },
      { at: 2, edge: "a" },
    ] as const;
    for (const [one, other] of [
      [b, a],
      [c, a],
      [c, b],
    ] as const) {
      expect([isLater(one, other), isLater(other, one)]).toEqual([true, false]);
    }
  });
});
