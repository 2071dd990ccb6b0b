import { describe, expect, it } from "vitest";
import type { JsonObject } from "../properties/json.js";
import { type Brought, failedAfter, stepOf } from "./judge.js";

const DUE = 1_000;
const applied: Brought = { state: "applied", version: 4, dueAt: DUE, error: "" };
const says = (taken: number | undefined, value: JsonObject = {}) => ({
  ...{ reported: { value, version: 1 } },
  ...(taken === undefined ? {} : { taken }),
});
const error = (version: unknown, text?: string) =>
  says(4, { desiredError: { version, ...(text === undefined ? {} : { error: text }) } as JsonObject });

describe("a device that has a template", () => {
  it("is waited for until its time is over", () => {
    expect(stepOf(applied, says(3), DUE - 1)).toBeUndefined();
    expect(stepOf(applied, says(undefined), DUE)).toMatchObject({ state: "failed", version: 4 });
  });

  it("has acknowledged it when it has taken that version, or a later one; late as well", () => {
    expect(stepOf(applied, says(4), DUE + 1)).toEqual({ state: "acknowledged", version: 4, error: "" });
    expect(stepOf({ ...applied, state: "failed", dueAt: undefined }, says(7), 0)).toMatchObject({
      state: "acknowledged",
    });
    expect(stepOf({ ...applied, state: "acknowledged", dueAt: undefined }, says(4), DUE)).toBeUndefined();
  });

  it("has nothing to take where nobody has changed anything", () => {
    expect(stepOf({ ...applied, version: 1 }, says(undefined), 0)).toMatchObject({ state: "acknowledged" });
  });

  it("has failed when it says so of that version, or a later one, whatever it has taken", () => {
    expect(stepOf(applied, error(4, "no room"), 0)).toEqual({
      ...{ state: "failed", version: 4, error: "no room" },
    });
    const taken: Brought = { ...applied, state: "acknowledged", dueAt: undefined };
    expect(stepOf(taken, error(5), 0)).toMatchObject({ error: "the device does not say why" });
    const late: Brought = { ...taken, state: "failed", error: "late" };
    expect(stepOf(late, error(4, "no room"), 0)).toMatchObject({ state: "failed", error: "no room" });
    expect(stepOf({ ...late, error: "no room" }, error(4, "no room"), 0)).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ["an older version", 3],
    ["no version", undefined],
    ["a text", "4"],
    ["NaN", Number.NaN],
  ])("has not failed by an error of %s", (_, version) => {
    expect(stepOf(applied, error(version), 0)).toMatchObject({ state: "acknowledged" });
  });

  it("may report whatever it likes under that name", () => {
    for (const value of [7, "x", [1], {}]) {
      expect(stepOf(applied, says(undefined, { desiredError: value }), 0)).toBeUndefined();
    }
    expect(stepOf(applied, error(4, "x".repeat(4_000)), 0)?.error).toHaveLength(500);
  });

  it("that never got it has no further step", () => {
    expect(
      stepOf({ state: "failed", version: 0, dueAt: undefined, error: "" }, says(9), DUE),
    ).toBeUndefined();
    expect(stepOf({ state: "gone", version: 0, dueAt: undefined, error: "" }, says(9), DUE)).toBeUndefined();
  });
});

it("a device that failed counts once, and no more when it takes it late", () => {
  const steps = [
    { device: "new", state: "failed" },
    { device: "late", state: "acknowledged" },
    { device: "broke", state: "failed" },
    { device: "fine", state: "applied" },
  ] as const;
  const before = new Map([["late", "failed"] as const, ["broke", "acknowledged"] as const]);
  const all = steps.map((step) => ({ ...step, version: 2, error: "" }));
  expect(failedAfter(5, all, (device) => before.get(device as "late" | "broke"))).toBe(6);
});
