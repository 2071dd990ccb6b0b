import { describe, expect, it } from "vitest";
import { KINDS, type Kind, type Targets } from "./fault.js";
import { scheduleOf } from "./schedule.js";

const processes = ["a", "b", "c", "d"];
const targets: Targets = {
  ...{ kill: processes, pause: processes, restart: processes },
  ...{ cut: ["l1", "l2"], refuse: ["l1"], swallow: ["l1"], delay: ["l2"], duplicate: ["l3"] },
  ...{ part: ["nats-1 from the others"], fill: ["SIGNALS"], clock: ["station"] },
};
const options = { seed: 7, durationMs: 600_000, gapMs: 3_000, targets };

describe("a schedule", () => {
  it("is the same for a seed, and another for another", () => {
    expect(scheduleOf(options)).toEqual(scheduleOf(options));
    expect(scheduleOf(options)).not.toEqual(scheduleOf({ ...options, seed: 8 }));
  });

  it("has every kind and every target, in the order of time and within it", () => {
    const faults = scheduleOf(options);
    expect(faults.length).toBeGreaterThan(150);
    for (const kind of KINDS) {
      const hit = faults.filter((fault) => fault.kind === kind).map(({ target }) => target);
      expect(new Set(hit), kind).toEqual(new Set(targets[kind]));
    }
    const times = faults.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.max(...times)).toBeLessThan(options.durationMs);
  });

  it("never hits a target that is hit already", () => {
    for (const target of new Set(Object.values(targets).flat())) {
      const own = scheduleOf(options).filter((fault) => fault.target === target);
      for (const [i, { atMs }] of own.entries()) {
        const before = own[i - 1];
        if (before) expect(atMs).toBeGreaterThanOrEqual(before.atMs + before.forMs);
      }
    }
  });

  it("leaves out kinds that have no target", () => {
    const none = Object.fromEntries(KINDS.map((kind) => [kind, [] as string[]])) as Record<Kind, string[]>;
    expect(scheduleOf({ ...options, targets: none })).toEqual([]);
    const kinds = scheduleOf({ ...options, targets: { ...none, kill: processes } }).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["kill"]));
  });
});
