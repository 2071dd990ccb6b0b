import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Budget } from "./budget.js";
import { type OpenReader, OpenReaders } from "./open-readers.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const MANY = 1_001;
const key = { ...{ id: "k", permission: "read", namespace: "n" }, budget: new Budget(1, 1) };

function opened(count: number, expiresAt?: number) {
  const cached = { get: async () => key } as never;
  const open = new OpenReaders({ keys: cached, subscriptions: cached }, Date.now, MANY);
  const ticks = { all: 0, ofEach: new Array<number>(count).fill(0), ended: 0 };
  const readers = Array.from({ length: count }, (_, index): OpenReader => {
    const credential = { key: { ...key, expiresAt }, hash: "h" };
    return {
      ...{ credential, subscription: undefined },
      end: () => ticks.ended++,
      tick: () => {
        ticks.all++;
        ticks.ofEach[index] = (ticks.ofEach[index] ?? 0) + 1;
      },
    };
  });
  for (const reader of readers) open.add(reader);
  open.start();
  return { open, readers, ticks };
}

it("gives each its turn once a second, and never many at once", async () => {
  const { open, ticks } = opened(MANY);
  for (let tick = 0; tick < 60; tick++) {
    const before = ticks.all;
    vi.advanceTimersByTime(50);
    expect(ticks.all - before).toBeLessThanOrEqual(Math.ceil(MANY / 20));
  }
  expect(new Set(ticks.ofEach)).toEqual(new Set([3]));
  await open.stop(0);
});

it("leaves nobody out when others go between two turns", async () => {
  const { open, readers, ticks } = opened(100);
  vi.advanceTimersByTime(500);
  for (const reader of readers.slice(0, 50)) open.delete(reader);
  vi.advanceTimersByTime(500);
  expect(new Set(ticks.ofEach)).toEqual(new Set([1]));
  await open.stop(0);
});

it("ends who came with a key that has expired, within a second", async () => {
  const { open, ticks } = opened(100, Date.now() + 1);
  vi.advanceTimersByTime(1_000);
  expect(ticks).toMatchObject({ all: 0, ended: 100 });
  await open.stop(0);
});
