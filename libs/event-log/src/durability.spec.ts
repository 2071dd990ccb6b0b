import { describe, expect, it } from "vitest";
import { describeDurability, durabilityOf, readDurability } from "./durability.js";

const varz = (config: object | undefined) => ({ jetstream: config === undefined ? undefined : { config } });

describe("durability", () => {
  it("is flushed where the server syncs always", () => {
    const found = durabilityOf(varz({ sync_interval: 120e9, sync_always: true }));
    expect(found).toEqual({ mode: "flushed" });
    expect(describeDurability(found)).toMatch(/^flushed to disk before every acknowledgement/);
  });

  it("warns of the interval where the server flushes now and then", () => {
    const found = durabilityOf(varz({ sync_interval: 120e9 }));
    expect(found).toEqual({ mode: "interval", intervalS: 120 });
    expect(describeDurability(found)).toMatch(/^NOT flushed .* every 120 s/);
  });

  it("is unknown without a monitoring endpoint, without JetStream, and where nothing answers", async () => {
    expect(await readDurability(undefined)).toMatchObject({ mode: "unknown" });
    expect(durabilityOf(varz(undefined))).toMatchObject({ mode: "unknown" });
    expect(await readDurability("http://127.0.0.1:1")).toMatchObject({ mode: "unknown" });
  });
});
