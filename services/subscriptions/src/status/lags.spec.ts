import { endOf, positionOf } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { Lags } from "./lags.js";
import { MemoryLog, START } from "./log.fixture.js";
import { MOST_EVENTS } from "./recent-events.js";

/** The moment at which the commit with that sequence was stored. */
const at = (sequence: number) => START + sequence * 1_000;

describe("a subscriber's lag", () => {
  it("is nothing where all was received", async () => {
    const log = new MemoryLog();
    const last = log.add("a", 3);
    const lags = new Lags(log, () => at(10));
    expect(await lags.of("a", [endOf(last)])).toEqual([{ events: 0, seconds: 0 }]);
  });

  it("counts its namespace's events after its position, and tells the age of the first", async () => {
    const log = new MemoryLog();
    log.add("a", 2);
    log.add("b", 50);
    log.add("a", 3);
    log.add("a", 1);
    const lags = new Lags(log, () => at(10));
    // In a commit, index 0 is the heartbeat.
    const positions = [0, positionOf(1, 1), endOf(1), positionOf(3, 2), endOf(3)];
    expect(await lags.of("a", positions)).toEqual([
      { events: 6, seconds: 9 },
      { events: 5, seconds: 9 },
      { events: 4, seconds: 7 },
      { events: 2, seconds: 7 },
      { events: 1, seconds: 6 },
    ]);
  });

  it("of an empty log is nothing, and of no subscriber no answer", async () => {
    const lags = new Lags(new MemoryLog(), () => START);
    expect(await lags.of("a", [0])).toEqual([{ events: 0, seconds: 0 }]);
    expect(await lags.of("a", [])).toEqual([]);
  });

  it("is counted up to a bound, and its age is then asked of the log", async () => {
    const log = new MemoryLog();
    for (let n = 0; n < 30; n++) log.add("a", 1_000);
    const [lag] = await new Lags(log, () => at(100)).of("a", [endOf(2)]);
    expect(lag).toEqual({ events: MOST_EVENTS, seconds: 97 });
    // Not all of the log is read for that.
    expect(Math.min(...log.readSequences)).toBeGreaterThan(2);
  });

  it("is up to two seconds old, and reads only what came since", async () => {
    const log = new MemoryLog();
    log.add("a", 1);
    let now = at(5);
    const lags = new Lags(log, () => now);
    await lags.of("a", [0]);
    log.add("a", 1);
    now += 1_999;
    expect(await lags.of("a", [0])).toMatchObject([{ events: 1 }]);
    now += 1;
    expect(await lags.of("a", [0])).toMatchObject([{ events: 2 }]);
    expect(log.readSequences).toEqual([1, 2]);
  });

  it("looks further back for one that is further behind, at once", async () => {
    const log = new MemoryLog();
    for (let n = 0; n < 100; n++) log.add("a", 1);
    const lags = new Lags(log, () => at(100));
    expect(await lags.of("a", [endOf(98)])).toEqual([{ events: 2, seconds: 1 }]);
    expect(await lags.of("a", [endOf(10), endOf(98)])).toEqual([
      { events: 90, seconds: 89 },
      { events: 2, seconds: 1 },
    ]);
  });
});
