import { describe, expect, it } from "vitest";
import { type Kept, pauseMs, Restarts } from "./restarts.js";

describe("a process that is kept running", () => {
  /** Starts fail as often as told. */
  const setup = (failures: number) => {
    const seen = { said: [] as string[], pauses: [] as number[], starts: 0, now: 0 };
    let settled: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      settled = resolve;
    });
    const process: Kept = {
      pid: 7,
      start: async () => {
        seen.starts++;
        if (seen.starts <= failures) throw new Error("no answer");
        settled();
      },
      stop: async () => undefined,
    };
    const note = (message: string) => void seen.said.push(message);
    const restarts = new Restarts({
      ...{ process: () => process, warn: note, say: note, now: () => seen.now },
      pause: async (ms) => void seen.pauses.push(ms),
    });
    return { restarts, seen, done, process };
  };

  it("is started again, after a pause that doubles while it fails, and says so", async () => {
    const { restarts, seen, done } = setup(2);
    restarts.ended("SIGKILL");
    await done;
    await restarts.stop();
    expect(seen.pauses).toEqual([500, 1_000, 2_000]);
    expect(seen.said).toEqual([
      "ended (SIGKILL); it is started again in 0.5 s",
      "ended (no answer); it is started again in 1 s",
      "ended (no answer); it is started again in 2 s",
      "is ready again (process 7)",
    ]);
  });

  it("is waited for longer where it ends again soon, and not where it was well for a minute", async () => {
    const { restarts, seen, done } = setup(0);
    restarts.ended("SIGKILL");
    await done;
    await Promise.resolve();
    seen.now += 59_000;
    restarts.ended("exit code 1");
    await restarts.stop();
    expect(seen.pauses).toEqual([500, 1_000]);

    const other = setup(0);
    other.seen.now += 60_000;
    other.restarts.ended("SIGKILL");
    await other.done;
    await other.restarts.stop();
    expect(other.seen.pauses).toEqual([500]);
  });

  it("is not started any more once it is to stop", async () => {
    const { restarts, seen } = setup(0);
    await restarts.stop();
    restarts.ended("SIGKILL");
    expect(seen).toMatchObject({ starts: 0, said: [] });
  });

  it("waits at most half a minute", () => {
    expect([0, 5, 6, 1_000].map(pauseMs)).toEqual([500, 16_000, 30_000, 30_000]);
  });
});
