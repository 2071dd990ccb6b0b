/** What a sensor recorded: one stream of samples for each of its axes, evenly spaced in time. */
export interface Waveform {
  /** Milliseconds from one sample to the next; at least 1. */
  readonly spacingMs: number;
  /** Samples by axis. They may differ in number, and hold NaN and infinities: that is for the sensor to say. */
  readonly streams: readonly Float64Array[];
  /** Where the device was, from `offset` on, in the unit that the device counts in. */
  readonly locations: readonly PlaceInTime[];
}

export interface PlaceInTime {
  readonly offset: number;
  readonly latitude: number;
  readonly longitude: number;
}

/** What is known of a waveform besides its samples. */
export interface About {
  /** E.g. "accelerometer-3-axis"; empty: not known. */
  readonly sensorType: string;
  /** When the first sample was taken: ms since 1970 UTC; undefined: not known. */
  readonly start: number | undefined;
}

/** The name and the unit of a stream; an empty unit is not known. */
export interface Axis {
  readonly name: string;
  readonly unit: string;
}

/** Of the types whose streams have an order and a unit that the protocol fixes (A8: north, east, up, in g). */
const axesOfType: ReadonlyMap<string, readonly Axis[]> = new Map([
  ["accelerometer-3-axis", ["N", "E", "Z"].map((name) => ({ name, unit: "g" }))],
  ["accelerometer-1-axis", [{ name: "acceleration", unit: "g" }]],
]);

/** One for each stream; those that the type does not name are numbered from 1. */
export function axesOf({ streams }: Waveform, sensorType: string): Axis[] {
  const named = axesOfType.get(sensorType);
  if (named?.length === streams.length) return [...named];
  return streams.map((_, index) => ({ name: `stream ${index + 1}`, unit: "" }));
}

/** Of the longest stream. */
export function samplesOf({ streams }: Waveform): number {
  return streams.reduce((most, { length }) => Math.max(most, length), 0);
}

/** Milliseconds from the first sample to the end of the last one. */
export function durationOf(waveform: Waveform): number {
  return samplesOf(waveform) * waveform.spacingMs;
}

/** Of the samples that are numbers; null where there is none. */
export interface Summary {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
}

export function summaryOf(samples: Float64Array): Summary {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let mean = 0;
  let finite = 0;
  for (const sample of samples) {
    if (!Number.isFinite(sample)) continue;
    finite++;
    if (sample < min) min = sample;
    if (sample > max) max = sample;
    // Not a sum, which large samples would carry beyond what a double can hold.
    mean += sample / finite - mean / finite;
  }
  const { length: count } = samples;
  if (finite === 0) return { count, min: null, max: null, mean: null };
  return { count, min, max, mean: Math.min(max, Math.max(min, mean)) };
}
