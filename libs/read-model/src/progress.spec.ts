import { describe, expect, it } from "vitest";
import { Progress } from "./progress.js";

describe("waiting for a sequence", () => {
  it("ends at once when it is reached already", async () => {
    const progress = new Progress();
    progress.set(5);
    expect(await progress.waitFor(5, 1)).toBe(true);
  });
  it("ends when it is reached, for each who waits", async () => {
    const progress = new Progress();
    const waits = [progress.waitFor(2, 1_000), progress.waitFor(3, 1_000), progress.waitFor(9, 20)];
    progress.set(3);
    expect(await Promise.all(waits)).toEqual([true, true, false]);
    expect(progress.awaited).toBe(false);
  });
});

describe("a pause", () => {
  const never = new AbortController().signal;

  it("ends after its time", async () => {
    await new Progress().pause(5, never);
  });

  it("ends as soon as somebody waits, or when the signal says so", async () => {
    const progress = new Progress();
    const ending = new AbortController();
    const paused = Promise.all([progress.pause(60_000, never)]);
    const waits = progress.waitFor(1, 1_000);
    await paused;
    await progress.pause(60_000, never);
    progress.set(1);
    expect(await waits).toBe(true);
    const last = progress.pause(60_000, ending.signal);
    ending.abort();
    await last;
    await progress.pause(60_000, ending.signal);
  });
});
