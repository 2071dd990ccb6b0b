import { clock } from "../display/clock.js";
import { type Weather, YEAR_MS } from "./normals.js";

/** The heading above the first line. */
export const HEADING =
  "The air of Seattle, as read back from Fieldlog: mean, and lowest to highest. Then, how long acknowledgements took.";

/** What happened since the last line. */
export interface Tally {
  /** Milliseconds until each acknowledgement. */
  acknowledgedMs: number[];
  refused: number;
  dropped: number;
}

export interface Shown {
  /** Milliseconds since the replayed year's begin. */
  readonly replay: number;
  readonly sensors: number;
  readonly connected: number;
  /** The newest that was read back, by sensor. */
  readonly weather: readonly Weather[];
  readonly tally: Tally;
}

/** `14:03:21   4 March 07:00    8.1 °C (6.9 to 9.0)  1009.2 hPa  wind 3.8 m/s  12 sensors  acknowledged in 6 ms` */
export function airLine(shown: Shown, now: Date): string {
  const { weather, tally, connected, sensors } = shown;
  const parts = [
    clock(now),
    `${day(shown.replay)} `,
    weather.length === 0 ? "nothing read back yet" : air(weather),
    connected === sensors ? `${sensors} sensors` : `${connected} of ${sensors} sensors connected`,
    acknowledged(tally.acknowledgedMs),
    ...(tally.refused ? [`${tally.refused} refused`] : []),
    ...(tally.dropped ? [`${tally.dropped} dropped`] : []),
  ];
  return parts.filter((part) => part !== "").join("  ");
}

function air(weather: readonly Weather[]): string {
  const temperatures = weather.map(({ temperature }) => temperature).sort((a, b) => a - b);
  const [coldest = 0, warmest = 0] = [temperatures[0], temperatures.at(-1)];
  const mean = (key: keyof Weather) => weather.reduce((sum, one) => sum + one[key], 0) / weather.length;
  const degrees = `${mean("temperature").toFixed(1).padStart(5)} °C`;
  const spread = `(${coldest.toFixed(1)} to ${warmest.toFixed(1)})`.padEnd(14);
  return `${degrees} ${spread}  ${mean("pressure").toFixed(1)} hPa  wind ${mean("wind").toFixed(1)} m/s`;
}

function acknowledged(ms: readonly number[]): string {
  if (ms.length === 0) return "nothing acknowledged";
  const median = ms.toSorted((a, b) => a - b)[Math.floor(ms.length / 2)] ?? 0;
  return `${ms.length} acknowledged in ${Math.max(1, Math.round(median))} ms`;
}

/** ` 4 March 07:00`, in a year without 29 February. */
function day(replay: number): string {
  const date = new Date(Date.UTC(2010, 0) + (((replay % YEAR_MS) + YEAR_MS) % YEAR_MS));
  const text = date.toLocaleDateString("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });
  return `${text} ${String(date.getUTCHours()).padStart(2, "0")}:00`.padStart(18);
}
