import { type Chance, seeded } from "@fieldlog/chance";
import type { Weather } from "./normals.js";

/** Where a sensor hangs, as far as its readings differ by it. */
export interface Site {
  /** A name that tenta takes: lower case, digits and single hyphens. */
  readonly name: string;
  /** Metres above the sea. */
  readonly altitude: number;
  /** °C warmer than the airport's normal, at the same height. */
  readonly warmer: number;
  /** Wind as a share of the airport's. */
  readonly windy: number;
}

/** Places of Seattle and around it: name, metres above the sea, °C warmer, share of the wind. */
const PLACES: readonly (readonly [string, number, number, number])[] = [
  ["ballard", 20, -0.2, 1.1],
  ["beacon-hill", 95, 0.4, 0.9],
  ["duwamish", 5, 0.8, 0.8],
  ["queen-anne", 130, 0.2, 1.2],
  ["capitol-hill", 110, 0.6, 0.7],
  ["georgetown", 6, 0.9, 0.8],
  ["alki-point", 4, -0.4, 1.5],
  ["lake-city", 75, -0.1, 0.7],
  ["bellevue", 45, 0.3, 0.8],
  ["kent", 13, 0.5, 0.9],
  ["tukwila", 7, 0.6, 0.9],
  ["tacoma", 75, 0.1, 1.0],
];

/** hPa that the pressure falls per metre, and °C that it gets colder, near the ground. */
const PRESSURE_PER_M = 0.12;
const COLDER_PER_M = 0.0065;

/** So many sites, the same for the same seed; more of them begin with the same ones. */
export function placeSites(count: number, seed: number): Site[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (_, index) => {
    const [name, altitude, warmer, windy] = PLACES[index] ?? [
      `roof-${String(index + 1).padStart(4, "0")}`,
      Math.round(random() * 200),
      random() * 2 - 0.8,
      0.6 + random() * 0.9,
    ];
    return { name, altitude, warmer, windy };
  });
}

/** What the site's sensor reads in this weather: with its noise, and with the digits that such sensors give. */
export function reading(site: Site, weather: Weather, random: Chance): Weather {
  const noise = (width: number) => (random() + random() - 1) * width;
  const { altitude, warmer, windy } = site;
  return {
    temperature: round(weather.temperature + warmer - altitude * COLDER_PER_M + noise(0.3), 2),
    pressure: round(weather.pressure - altitude * PRESSURE_PER_M + noise(0.15), 2),
    wind: round(Math.max(0, weather.wind * windy + noise(0.8)), 1),
  };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
