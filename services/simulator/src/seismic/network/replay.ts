import type { Quake } from "./catalogue.js";
import type { Station } from "./stations.js";
import { hypocentralKm, reachKm, reading, travelMs } from "./waves.js";

/** One earthquake of the list, happening again. */
export interface Occurrence {
  /** Its place in the list. */
  readonly index: number;
  readonly quake: Quake;
  /** When it happens this time: ms since 1970 UTC. */
  readonly origin: number;
}

/** What a station does when the wave arrives. */
export interface Pick {
  readonly station: Station;
  /** When the wave arrives: ms since 1970 UTC. */
  readonly time: number;
  /** [N, E, Z] in g. */
  readonly reading: readonly [number, number, number];
}

const WEEK_MS = 7 * 86_400_000;

/**
 * The list from the `from`-th earthquake on, again and again: that one happens at `at`, the others follow
 * `speed` times as fast as they did. Each by itself unfolds at its true pace; only the pauses are shorter.
 */
export function* replay(
  quakes: readonly Quake[],
  options: { from: number; at: number; speed: number },
): Generator<Occurrence, void, undefined> {
  const first = quakes[options.from % quakes.length];
  if (!first) return;
  const start = first.time;
  for (let turn = 0, index = options.from % quakes.length; ; turn++, index = 0) {
    for (; index < quakes.length; index++) {
      const quake = quakes[index] as Quake;
      const since = quake.time - start + turn * WEEK_MS;
      yield { index, quake, origin: Math.round(options.at + since / options.speed) };
    }
  }
}

/** The picks of an earthquake that happens at `origin`, in order of time. */
export function picksOf(quake: Quake, origin: number, stations: readonly Station[]): Pick[] {
  const reach = reachKm(quake.magnitude);
  return stations
    .filter((station) => hypocentralKm(quake, station) <= reach)
    .map((station) => ({
      station,
      time: origin + travelMs(quake, station),
      reading: reading(quake, station),
    }))
    .sort((a, b) => a.time - b.time);
}

/**
 * The index of the earthquake with which the liveliest stretch of `windowMs` of the list begins: the one in
 * which stations pick the most earthquakes. Undefined if they pick none at all.
 */
export function liveliest(
  quakes: readonly Quake[],
  stations: readonly Station[],
  windowMs: number,
): number | undefined {
  const picked = quakes.flatMap((quake, index) => {
    return picksOf(quake, quake.time, stations).length > 0 ? [{ index, time: quake.time }] : [];
  });
  let best: { index: number; count: number } | undefined;
  for (let first = 0, end = 0; first < picked.length; first++) {
    const { index, time } = picked[first] as { index: number; time: number };
    while ((picked[end]?.time ?? Number.POSITIVE_INFINITY) < time + windowMs) end++;
    if (!best || end - first > best.count) best = { index, count: end - first };
  }
  return best?.index;
}
