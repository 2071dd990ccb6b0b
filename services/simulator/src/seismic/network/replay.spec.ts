import { describe, expect, it } from "vitest";
import type { Quake } from "./catalogue.js";
import { liveliest, picksOf, replay } from "./replay.js";
import type { Station } from "./stations.js";
import { placeAt, travelMs } from "./waves.js";

const DAY = 86_400_000;
const quake = (id: string, time: number): Quake => ({
  id,
  time,
  magnitude: 2,
  latitude: 34,
  longitude: -118,
  depthKm: 8,
  place: id,
});
const quakes = [quake("a", 1_000), quake("b", 61_000), quake("c", 1_000 + 6 * DAY)];

describe("replay", () => {
  const take = (from: number, speed: number, count: number) => {
    const taken: [number, number][] = [];
    for (const { index, origin } of replay(quakes, { from, at: 500_000, speed })) {
      taken.push([index, origin]);
      if (taken.length === count) break;
    }
    return taken;
  };

  it("keeps the order and shortens the pauses", () => {
    expect(take(0, 60, 2)).toEqual([
      [0, 500_000],
      [1, 501_000],
    ]);
  });

  it("begins again after a week", () => {
    expect(take(1, 1, 3)).toEqual([
      [1, 500_000],
      [2, 500_000 + 6 * DAY - 60_000],
      [0, 500_000 + 7 * DAY - 60_000],
    ]);
  });

  it("takes an index past the end for one in the next round, and ends at once for an empty list", () => {
    expect(take(3, 1, 1)).toEqual([[0, 500_000]]);
    expect([...replay([], { from: 0, at: 0, speed: 1 })]).toEqual([]);
  });
});

describe("picksOf", () => {
  const station = (name: string, km: number): Station => ({ name, ...placeAt(quakes[0] as Quake, km, 30) });
  const [near, middle, far] = [station("near", 3), station("middle", 30), station("far", 400)];

  it("lets each station in reach pick when the wave arrives, the nearest first", () => {
    const picks = picksOf(quakes[0] as Quake, 10_000, [far, middle, near]);
    expect(picks.map((pick) => pick.station.name)).toEqual(["near", "middle"]);
    for (const pick of picks) {
      expect(pick.time).toBe(10_000 + travelMs(quakes[0] as Quake, pick.station));
      expect(pick.reading).toHaveLength(3);
    }
  });
});

describe("liveliest", () => {
  const here: Station = { name: "S0001", latitude: 34, longitude: -118 };

  it("begins where stations pick the most earthquakes in the stretch", () => {
    const list = [0, 100, 150, 180, 400].map((time) => quake(String(time), time));
    expect(liveliest(list, [here], 90)).toBe(1);
    expect(liveliest(list, [here], 10)).toBe(0);
  });

  it("does not begin with an earthquake that nobody picks", () => {
    const elsewhere = { ...quake("x", 0), latitude: -34 };
    expect(liveliest([elsewhere, quake("y", 10)], [here], 90)).toBe(1);
    expect(liveliest([elsewhere], [here], 90)).toBeUndefined();
  });
});
