import { type About, axesOf, durationOf, summaryOf, type Waveform } from "./waveform.js";

/** Samples in one piece of text. */
const PIECE = 4_096;

/**
 * The waveform as one JSON object, in pieces:
 * `{"spacingMs","start","end","locations":[…],"streams":[{"name","unit","count","min","max","mean","samples":[…]}]}`.
 * A sample that is no number is null, as are `start` and `end` where the start is not known. Without `withSamples`
 * there are none.
 */
export function* waveformJson(waveform: Waveform, about: About, withSamples: boolean): Generator<string> {
  const { spacingMs, streams, locations } = waveform;
  const { start } = about;
  const times = {
    start: start === undefined ? null : timeText(start),
    end: start === undefined ? null : timeText(start + durationOf(waveform)),
  };
  const head = JSON.stringify({ spacingMs, ...times, locations });
  yield `${head.slice(0, -1)},"streams":[`;
  const axes = axesOf(waveform, about.sensorType);
  for (const [index, samples] of streams.entries()) {
    const described = JSON.stringify({ ...axes[index], ...summaryOf(samples) });
    yield `${index === 0 ? "" : ","}${described.slice(0, -1)}`;
    if (withSamples) {
      yield `,"samples":[`;
      for (let at = 0; at < samples.length; at += PIECE) {
        const piece = JSON.stringify([...samples.subarray(at, at + PIECE)]).slice(1, -1);
        yield at === 0 ? piece : `,${piece}`;
      }
      yield "]";
    }
    yield "}";
  }
  yield "]}";
}

/** Last moment that RFC 3339 can write: ms since 1970 UTC. */
export const LAST_MS = Date.UTC(10_000, 0) - 1;

/** RFC 3339 of ms since 1970; what lies outside of what that can write is told as the nearest that it can. */
export function timeText(ms: number): string {
  return new Date(Math.max(0, Math.min(LAST_MS, ms))).toISOString();
}
