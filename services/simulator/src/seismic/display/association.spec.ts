import { describe, expect, it } from "vitest";
import type { Quake } from "../network/catalogue.js";
import { type Pick, picksOf } from "../network/replay.js";
import { placeAt } from "../network/waves.js";
import { Association, GRACE_MS } from "./association.js";

const quake: Quake = {
  id: "a",
  time: 0,
  magnitude: 3,
  latitude: 34,
  longitude: -118,
  depthKm: 8,
  place: "A",
};
const stations = [3, 20, 40].map((km) => ({ name: `at ${km} km`, ...placeAt(quake, km, 10) }));

function happenAt(association: Association, origin: number): [string, Pick][] {
  const picks = picksOf(quake, origin, stations).map((pick): [string, Pick] => [pick.station.name, pick]);
  association.expect({ index: 0, quake, origin }, new Map(picks));
  return picks;
}

const read = ([device, pick]: [string, Pick]) => ({
  device,
  time: pick.time,
  sentAt: pick.time + 2,
  position: 1,
});

describe("Association", () => {
  it("is done with an earthquake when all its picks have come back", () => {
    const association = new Association();
    const picks = happenAt(association, 10_000);
    for (const [index, pick] of picks.entries()) {
      expect(association.finished(pick[1].time)).toEqual([]);
      association.observe(read(pick), pick[1].time + 12 + index);
    }
    expect(association.finished(0)).toEqual([{ quake, stations: 3, expected: 3, lateMs: [10, 11, 12] }]);
    expect(association.open).toBe(0);
  });

  it("tells two earthquakes at the same place apart by the origin time", () => {
    const association = new Association();
    const first = happenAt(association, 10_000);
    const second = happenAt(association, 10_400);
    for (const pick of second) association.observe(read(pick), pick[1].time + 5);
    expect(association.finished(0)).toHaveLength(1);
    for (const pick of first) association.observe(read(pick), pick[1].time + 5);
    expect(association.finished(0)).toHaveLength(1);
  });

  it("takes a pick for what it is only where the wave's time fits", () => {
    const association = new Association();
    const [pick] = happenAt(association, 10_000) as [[string, Pick]];
    association.observe({ ...read(pick), time: pick[1].time + 50 }, pick[1].time + 60);
    association.observe({ ...read(pick), device: "somebody else" }, pick[1].time + 60);
    expect(association.awaits(pick[1].time)).toBe(true);
    association.observe(read(pick), pick[1].time + 60);
    expect(association.awaits(pick[1].time)).toBe(false);
  });

  it("does not wait for ever for a pick that never comes", () => {
    const association = new Association();
    const picks = happenAt(association, 10_000) as [[string, Pick], ...[string, Pick][]];
    association.observe(read(picks[0]), picks[0][1].time + 7);
    const last = picks.at(-1)?.[1].time ?? 0;
    expect(association.finished(last + GRACE_MS - 1)).toEqual([]);
    expect(association.finished(last + GRACE_MS)).toMatchObject([{ stations: 1, expected: 3 }]);
  });
});
