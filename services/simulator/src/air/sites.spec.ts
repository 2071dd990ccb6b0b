import { seeded } from "@fieldlog/chance";
import { describe, expect, it } from "vitest";
import { placeSites, reading } from "./sites.js";

const MILD = { temperature: 10, pressure: 1016, wind: 4 };

describe("sites", () => {
  it("have names that tenta takes, each once, and are the same for the same seed", () => {
    const sites = placeSites(200, 3);
    for (const { name } of sites) expect(name).toMatch(/^[a-z0-9](-?[a-z0-9])*$/);
    expect(new Set(sites.map(({ name }) => name)).size).toBe(200);
    expect(placeSites(200, 3)).toEqual(sites);
    expect(placeSites(50, 3)).toEqual(sites.slice(0, 50));
    expect(placeSites(50, 4)).not.toEqual(sites.slice(0, 50));
  });

  it("read less pressure and it is colder the higher they are", () => {
    const random = () => 0.5;
    const low = reading({ name: "low", altitude: 0, warmer: 0, windy: 1 }, MILD, random);
    const high = reading({ name: "high", altitude: 100, warmer: 0, windy: 0.5 }, MILD, random);
    expect(low).toEqual(MILD);
    expect(high).toEqual({ temperature: 9.35, pressure: 1004, wind: 2 });
  });

  it("read with a little noise, and never a negative wind", () => {
    const random = seeded(1);
    const [site] = placeSites(1, 1);
    const all = Array.from({ length: 500 }, () => reading(site as never, { ...MILD, wind: 0 }, random));
    expect(new Set(all.map(({ temperature }) => temperature)).size).toBeGreaterThan(20);
    for (const { temperature, wind } of all) {
      expect(Math.abs(temperature - 9.67)).toBeLessThan(0.35);
      expect(wind).toBeGreaterThanOrEqual(0);
    }
  });
});
