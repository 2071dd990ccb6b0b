import { type About, axesOf, samplesOf, type Waveform } from "./waveform.js";
import { timeText } from "./waveform-json.js";

/** Rows in one piece of text. */
const PIECE = 1_024;

/**
 * The waveform as CSV (RFC 4180), in pieces: a heading, then a row for each moment, with its time (RFC 3339; where
 * the start is not known, seconds from it) and a sample of each axis. Empty: there is no sample, or it is no number.
 */
export function* waveformCsv(waveform: Waveform, { sensorType, start }: About): Generator<string> {
  const { spacingMs, streams } = waveform;
  const axes = axesOf(waveform, sensorType).map(({ name, unit }) =>
    unit === "" ? name : `${name} (${unit})`,
  );
  yield `${[start === undefined ? "seconds" : "time", ...axes].join(",")}\r\n`;
  const rows = samplesOf(waveform);
  for (let first = 0; first < rows; first += PIECE) {
    let piece = "";
    for (let row = first; row < Math.min(rows, first + PIECE); row++) {
      const ms = row * spacingMs;
      piece += start === undefined ? ms / 1000 : timeText(start + ms);
      for (const samples of streams) piece += `,${cell(samples[row])}`;
      piece += "\r\n";
    }
    yield piece;
  }
}

function cell(sample: number | undefined): string {
  return sample === undefined || !Number.isFinite(sample) ? "" : String(sample);
}
