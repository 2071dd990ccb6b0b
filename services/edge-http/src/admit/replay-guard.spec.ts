import type { Digest } from "@fieldlog/admission";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplayGuard } from "./replay-guard.js";

const W = 900_000;
const digest = (n: number): Digest => ({ high: n >>> 0, low: (n * 7) >>> 0 });
const guard = (devices = 100) => new ReplayGuard({ windowMs: W, devices });

describe("replay guard", () => {
  it("takes a message id once, and knows a resend from another message under the same id", () => {
    const g = guard();
    expect(g.reserve("a", 5, digest(1), 0, 0)).toBe("new");
    expect(g.reserve("a", 5, digest(1), 0, 0)).toBe("pending");
    expect(g.reserve("a", 5, digest(2), 0, 0)).toBe("used");
    g.settle("a", 5, digest(1), true);
    expect(g.reserve("a", 5, digest(1), 0, 0)).toBe("resend");
    expect(g.reserve("a", 5, digest(2), 0, 0)).toBe("used");
    expect(g.reserve("b", 5, digest(2), 0, 0)).toBe("new");
  });

  it("frees an id whose message did not get into the log", () => {
    const g = guard();
    expect(g.reserve("a", 5, digest(1), 0, 0)).toBe("new");
    g.settle("a", 5, digest(1), false);
    expect(g.reserve("a", 5, digest(2), 0, 0)).toBe("new");
  });

  it("takes ids in any order within the window, and none below it", () => {
    const g = guard();
    expect(g.reserve("a", 100, digest(1), 0, 0)).toBe("new");
    expect(g.reserve("a", 37, digest(1), 0, 0)).toBe("new");
    expect(g.reserve("a", 36, digest(1), 0, 0)).toBe("too-old");
    expect(g.reserve("a", 99, digest(1), 0, 0)).toBe("new");
  });

  it("lets a device begin anew once nothing it sent could be sent again", () => {
    const g = guard();
    expect(g.reserve("a", 1000, digest(1), 0, 0)).toBe("new");
    g.settle("a", 1000, digest(1), true);
    expect(g.reserve("a", 0, digest(1), W, W)).toBe("too-old");
    expect(g.reserve("a", 0, digest(1), W + 1, W + 1)).toBe("new");
  });

  it("learns from the log what other edges took", () => {
    const g = guard();
    g.learn("a", 7, digest(1), 0, 10);
    expect(g.reserve("a", 7, digest(1), 0, 10)).toBe("resend");
    expect(g.reserve("a", 7, digest(2), 0, 10)).toBe("used");
    g.learn("old", 7, digest(1), 0, W + 1);
    expect(g.size).toBe(1);
  });

  it("holds no more devices than it may, and none with a message under way is forgotten", () => {
    const g = guard(10);
    expect(g.reserve("busy", 1, digest(1), 0, 0)).toBe("new");
    for (let i = 0; i < 50; i++) {
      expect(g.reserve(`d${i}`, 1, digest(i), 0, 0)).toBe("new");
      g.settle(`d${i}`, 1, digest(i), true);
    }
    expect(g.size).toBe(10);
    expect(g.evictions).toBe(41);
    expect(g.reserve("busy", 1, digest(1), 0, 0)).toBe("pending");
    expect(g.reserve("d49", 1, digest(49), 0, 0)).toBe("resend");
  });

  it("agrees with a model that remembers everything", () => {
    const step = fc.record({
      kind: fc.constantFrom("send", "send", "send", "learn", "store", "fail"),
      device: fc.constantFrom("a", "b"),
      id: fc.oneof(fc.nat(150), fc.nat(4_294_967_295)),
      digest: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const g = guard();
        const model = new Map<string, { state: "reserved" | "used"; digest: number }>();
        const highest = new Map<string, number>();
        for (const { kind, device, id, digest: d } of steps) {
          const key = `${device}/${id}`;
          const top = highest.get(device) ?? -1;
          const entry = model.get(key);
          if (kind === "store" || kind === "fail") {
            g.settle(device, id, digest(d), kind === "store");
            if (entry?.state !== "reserved" || entry.digest !== d) continue;
            if (kind === "store") entry.state = "used";
            else model.delete(key);
            continue;
          }
          const below = id <= top - 64;
          if (!below && id > top) highest.set(device, id);
          if (kind === "learn") {
            g.learn(device, id, digest(d), 0, 0);
            if (!below && !entry) model.set(key, { state: "used", digest: d });
            continue;
          }
          const verdict = g.reserve(device, id, digest(d), 0, 0);
          if (below) expect(verdict).toBe("too-old");
          else if (!entry) {
            expect(verdict).toBe("new");
            model.set(key, { state: "reserved", digest: d });
          } else if (entry.digest !== d) expect(verdict).toBe("used");
          else expect(verdict).toBe(entry.state === "used" ? "resend" : "pending");
        }
      }),
      { numRuns: 300 },
    );
  });
});
