import { describe, expect, it } from "vitest";
import type { Quake } from "./catalogue.js";
import { picksOf } from "./replay.js";
import { placeStations } from "./stations.js";

const quakes: Quake[] = [
  { id: "a", time: 0, magnitude: 2, latitude: 34, longitude: -118, depthKm: 8, place: "A" },
  { id: "b", time: 60_000, magnitude: 2.5, latitude: 34.2, longitude: -118.2, depthKm: 5, place: "B" },
  { id: "c", time: 120_000, magnitude: 4, latitude: -8, longitude: 118.8, depthKm: 15, place: "C" },
];

describe("placeStations", () => {
  it("gives the same stations for the same seed, and others for another", () => {
    expect(placeStations(quakes, 12, 7)).toEqual(placeStations(quakes, 12, 7));
    expect(placeStations(quakes, 12, 7)).not.toEqual(placeStations(quakes, 12, 8));
  });

  it("keeps the stations that it had when there are more", () => {
    expect(placeStations(quakes, 20, 7).slice(0, 12)).toEqual(placeStations(quakes, 12, 7));
  });

  it("puts several stations in reach of each earthquake of a small list", () => {
    const stations = placeStations(quakes, 12, 7);
    for (const quake of quakes) expect(picksOf(quake, 0, stations).length).toBeGreaterThanOrEqual(4);
  });

  it("names each station once", () => {
    expect(new Set(placeStations(quakes, 30, 1).map((station) => station.name)).size).toBe(30);
  });

  it("has no stations without earthquakes", () => {
    expect(placeStations([], 5, 1)).toEqual([]);
  });
});
