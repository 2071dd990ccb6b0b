import { afterEach, describe, expect, it, vi } from "vitest";
import { Health } from "./health.js";

describe("health", () => {
  afterEach(() => vi.useRealTimers());

  it("is ready when every check is, and says why not otherwise", async () => {
    const health = new Health();
    health.add("log", async () => undefined);
    expect(await health.report()).toEqual({ ready: true, checks: { log: "ok" } });
    health.add("database", async () => "connection refused");
    health.add("auth", async () => {
      throw new Error("no such host");
    });
    expect(await health.report()).toEqual({
      ready: false,
      checks: { log: "ok", database: "connection refused", auth: "no such host" },
    });
  });

  it("does not wait for a check for longer than 2 s", async () => {
    vi.useFakeTimers();
    const health = new Health();
    health.add("log", () => new Promise(() => {}));
    const report = health.report();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await report).toEqual({ ready: false, checks: { log: "no answer within 2000 ms" } });
  });

  it("of a process shows the checks of each service in it, whichever of them is asked", async () => {
    const whole = new Health();
    whole.part("auth").add("log", async () => undefined);
    const devices = whole.part("devices");
    devices.add("log", async () => "away");
    const checks = { "auth.log": "ok", "devices.log": "away" };
    expect(await whole.report()).toEqual({ ready: false, checks });
    expect(await devices.report()).toEqual({ ready: false, checks });
  });

  it("refuses a second check of the same name", () => {
    const health = new Health();
    health.add("log", async () => undefined);
    expect(() => health.add("log", async () => undefined)).toThrow("already");
  });
});
