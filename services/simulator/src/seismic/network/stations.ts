import { type Chance, seeded } from "@fieldlog/chance";
import type { Quake } from "./catalogue.js";
import { hypocentralKm, type Place, placeAt, reachKm, surfaceKm } from "./waves.js";

export interface Station extends Place {
  /** From `S0001` on; the same for the same list, seed and number. */
  readonly name: string;
}

/** Stations that an earthquake should have in reach: with four, its place and time can be told. */
const WANTED_STATIONS = 4;

const CANDIDATES = 32;
const NEAREST_KM = 2;

/**
 * Places stations where the list's earthquakes are, so that as many as possible have several in reach:
 * each next station goes near that one of a few earthquakes, drawn at random, around which the most (strong
 * ones count more) are still short of stations. The same arguments give the same stations; more of them begin with the same ones.
 */
export function placeStations(quakes: readonly Quake[], count: number, seed: number): Station[] {
  if (quakes.length === 0) return [];
  const random = seeded(seed);
  const reach = quakes.map((quake) => reachKm(quake.magnitude));
  const missing = quakes.map(() => WANTED_STATIONS);
  const stations: Station[] = [];
  while (stations.length < count) {
    const place = nextPlace(quakes, reach, missing, random);
    for (const [index, quake] of quakes.entries()) {
      if (inReach(quake, reach[index] ?? 0, place)) missing[index] = Math.max(0, (missing[index] ?? 0) - 1);
    }
    stations.push({ name: `S${String(stations.length + 1).padStart(4, "0")}`, ...place });
  }
  return stations;
}

function nextPlace(
  quakes: readonly Quake[],
  reach: readonly number[],
  missing: readonly number[],
  random: Chance,
): Place {
  let best: { place: Place; gain: number } | undefined;
  for (let drawn = 0; drawn < CANDIDATES; drawn++) {
    const index = Math.floor(random() * quakes.length);
    const place = nearby(quakes[index] as Quake, reach[index] ?? 0, random);
    let gain = 0;
    for (const [other, quake] of quakes.entries()) {
      if (missing[other] && inReach(quake, reach[other] ?? 0, place)) gain += weight(quake);
    }
    if (!best || gain > best.gain) best = { place, gain };
  }
  return (best as { place: Place }).place;
}

/** A strong earthquake is rare, and should not go unseen. */
function weight(quake: Quake): number {
  return 1 + Math.max(0, quake.magnitude - 3);
}

/** A place on the ground within half of the earthquake's reach. */
function nearby(quake: Quake, reach: number, random: Chance): Place {
  const km = NEAREST_KM + random() * Math.min(60, Math.max(0, reach / 2 - NEAREST_KM));
  const { latitude, longitude } = placeAt(quake, km, random() * 360);
  return { latitude: round(latitude), longitude: round(longitude) };
}

/** Five decimals of a degree are about a metre. */
const round = (value: number) => Math.round(value * 1e5) / 1e5;

function inReach(quake: Quake, reach: number, place: Place): boolean {
  // A degree of latitude is 111 km: settles most pairs without trigonometry.
  if (Math.abs(quake.latitude - place.latitude) * 111 > reach) return false;
  return surfaceKm(quake, place) <= reach && hypocentralKm(quake, place) <= reach;
}
