import { describe, expect, it } from "vitest";
import { KeepAlive } from "./keep-alive.js";

describe("a device that says nothing", () => {
  it("is gone when two pings are left without a sign of life", () => {
    const alive = new KeepAlive(0);
    const ticks = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, s) => alive.tick((from + s) * 1_000)).flatMap((due) => due ?? []);
    expect(ticks(0, 20)).toEqual([]);
    expect(ticks(20, 59)).toEqual(["ping", "ping"]);
    alive.heard();
    expect(ticks(60, 100)).toEqual(["ping", "ping"]);
    expect(ticks(100, 101)).toEqual(["gone"]);
  });
});
