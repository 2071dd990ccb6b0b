import { describe, expect, it } from "vitest";
import { livenessFindings, type Sign } from "./liveness.js";

const rule = {
  ...{ inactiveAfterMs: 20_000, slackMs: 5_000, endedAt: 110_000 },
  ...{ byHeartbeat: new Set<string>(), devices: new Set(["a"]) },
};
/** Signs of life at these seconds; the nth stands at position n. */
const signsAt = (...seconds: number[]): Sign[] =>
  seconds.map((s, n) => ({ device: "a", position: n + 1, at: s * 1_000, isHeartbeat: false }));
const told = (...identities: string[]) =>
  identities.map((identity, n) => ({ device: "a", identity: `liveness/${identity}`, position: 100 + n }));
const details = (signs: Sign[], said: ReturnType<typeof told>, more = {}) =>
  livenessFindings(signs, said, { ...rule, ...more }).map(({ detail }) => detail);

describe("liveness in the log", () => {
  it("is right when each silence is told, both its ends, also twice under one identity", () => {
    const signs = signsAt(1, 10, 60, 70, 100);
    const all = told("active/1", "inactive/2", "active/3", "inactive/4", "active/5");
    expect(details(signs, all)).toEqual([]);
    expect(details(signs, [...all, ...told("active/5")])).toEqual([]);
  });

  it("is wrong when an end is missing, made up, or told out of turn", () => {
    const signs = signsAt(1, 60, 100);
    expect(details(signs, told("active/1", "inactive/1"))).toEqual([
      "liveness/active/2 is missing",
      "liveness/inactive/2 is missing",
      "liveness/active/3 is missing",
    ]);
    expect(details(signsAt(100), told("active/1", "inactive/1"))).toEqual([
      "liveness/inactive/1 is told without a reason",
    ]);
    expect(details(signsAt(1, 90), told("active/1", "active/2", "inactive/1"))).toEqual([
      "not in turn: liveness/active/1, liveness/active/2, liveness/inactive/1",
    ]);
  });

  it("leaves open what a signal that is under way may change, and expects the last silence", () => {
    const signs = signsAt(60, 78, 100);
    expect(details(signs, told("active/1"))).toEqual([]);
    expect(details(signs, told("active/1", "inactive/1", "active/2"))).toEqual([]);
    expect(details(signs, told("active/1"), { endedAt: 200_000 })).toEqual([
      "liveness/inactive/3 is missing",
    ]);
  });

  it("counts only heartbeats of those who send some, and nobody who is not registered", () => {
    const only = { byHeartbeat: new Set(["a"]), devices: new Set<string>() };
    expect(details(signsAt(1), [], only)).toEqual([]);
    expect(details(signsAt(1), [], { devices: new Set<string>() })).toEqual([]);
  });
});
