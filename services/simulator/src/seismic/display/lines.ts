import { clock } from "../../display/clock.js";
import type { SeenQuake } from "./association.js";

/** The heading above the first earthquake. */
export const HEADING =
  "Earthquakes, as their picks come back out of Fieldlog. Late: from a station's sending its pick until it is read back.";

const PLACE_WIDTH = 46;

/** `14:03:21  M 5.3  50km NNW of Sangiang, Indonesia   4 stations   21 ms late, the slowest 40 ms` */
export function quakeLine(seen: SeenQuake, now: Date): string {
  const { quake, stations, expected, lateMs } = seen;
  const magnitude = `M ${quake.magnitude.toFixed(1)}`.padStart(6);
  const place =
    quake.place.length > PLACE_WIDTH
      ? `${quake.place.slice(0, PLACE_WIDTH - 1)}…`
      : quake.place.padEnd(PLACE_WIDTH);
  const counted = stations === expected ? stationsText(stations) : `${stations} of ${stationsText(expected)}`;
  return `${clock(now)}  ${magnitude}  ${place}  ${counted.padEnd(15)}  ${lateness(lateMs)}`.trimEnd();
}

function lateness(lateMs: readonly number[]): string {
  const median = lateMs[Math.floor(lateMs.length / 2)];
  if (median === undefined) return "nothing read back yet";
  const slowest = lateMs.at(-1);
  return lateMs.length === 1 ? `${median} ms late` : `${median} ms late, the slowest ${slowest} ms`;
}

function stationsText(stations: number): string {
  return stations === 1 ? "1 station" : `${stations} stations`;
}

/** What happened since the last status line. */
export interface Tally {
  picks: number;
  heartbeats: number;
  offers: number;
  uploads: number;
  refused: number;
  unanswered: number;
}

export function statusLine(tally: Tally, seconds: number, stations: number, now: Date): string {
  const rate = (count: number) => (count / seconds).toFixed(1);
  const parts = [
    stationsText(stations),
    `${rate(tally.picks)} picks/s`,
    `${rate(tally.heartbeats)} heartbeats/s`,
    ...(tally.uploads ? [`${tally.uploads} uploaded`] : []),
    ...(tally.refused ? [`${tally.refused} refused`] : []),
    ...(tally.unanswered ? [`${tally.unanswered} without an answer`] : []),
  ];
  return `${clock(now)}  ${parts.join(" · ")}`;
}
