import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Sweep, type SweepOptions } from "./sweep.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function started(look: SweepOptions["look"]) {
  const debug = vi.fn();
  const sweep = new Sweep({ everyMs: 100, look, logger: { debug } });
  sweep.start();
  return { sweep, debug };
}

it("looks again and again, also after a look that failed, and not once it is stopped", async () => {
  let looks = 0;
  const { sweep, debug } = started(async () => {
    if (++looks === 1) throw new Error("away");
  });
  await vi.advanceTimersByTimeAsync(350);
  expect(looks).toBe(3);
  expect(debug).toHaveBeenCalledTimes(1);
  await sweep.stop();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(looks).toBe(3);
});

it("ends after the decision that is under way", async () => {
  const decided: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const { sweep } = started((each) =>
    each([1, 2], async (one) => {
      await promise;
      decided.push(one);
    }),
  );
  await vi.advanceTimersByTimeAsync(100);
  const stopped = sweep.stop();
  resolve();
  await stopped;
  expect(decided).toEqual([1]);
});
