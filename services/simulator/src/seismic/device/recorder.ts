import { create, toBinary } from "@bufbuild/protobuf";
import { seeded } from "@fieldlog/chance";
import { saf } from "@fieldlog/contracts";

/** Milliseconds from one sample to the next: 50 a second, as in the network's real stations. */
export const SPACING_MS = 20;
/** What one file holds at most, in ms; also what the real stations put into one. */
export const FILE_MS = 600_000;

/** Waves that a station remembers; older ones are recorded as noise. */
const WAVES = 1_000;
/** Milliseconds after which a wave is lost in the noise. */
const WAVE_MS = 30_000;
/** In which a wave falls to a third, and how often it swings in a second. */
const DECAY_MS = 4_000;
const SWINGS_PER_S = 3;
/** What the accelerometer shows where nothing happens, in g, on each axis. */
const NOISE_G = 0.00005;
const AXES = 3;

interface Wave {
  /** ms since 1970 UTC. */
  readonly time: number;
  /** [N, E, Z] in g. */
  readonly reading: readonly [number, number, number];
}

/** The ground at a station, as its accelerometer has recorded it: noise, and the waves that reached it. */
export class Recorder {
  readonly #waves: Wave[] = [];

  constructor(private readonly seed: number) {}

  /** A wave has arrived. */
  add({ time, reading }: Wave): void {
    this.#waves.push({ time, reading });
    if (this.#waves.length > WAVES) this.#waves.shift();
  }

  /** The encoded DataRecord from `start` to `end` (ms since 1970 UTC, at most {@link FILE_MS}); the same each time. */
  record(start: number, end: number): Uint8Array {
    const samples = Math.floor((Math.min(end, start + FILE_MS) - start) / SPACING_MS);
    const streams = Array.from({ length: AXES }, () => ({ values: new Array<number>(samples) }));
    const near = this.#waves.filter(({ time }) => time < end && time + WAVE_MS > start);
    for (let index = 0; index < samples; index++) {
      const time = start + index * SPACING_MS;
      const noise = seeded(this.seed ^ (time / SPACING_MS));
      for (let axis = 0; axis < AXES; axis++) {
        let value = (noise() + noise() - 1) * NOISE_G;
        for (const wave of near) value += motion(wave.reading[axis] ?? 0, time - wave.time);
        const values = streams[axis]?.values;
        if (values) values[index] = value;
      }
    }
    const record = create(saf.DataRecordSchema, { datapointSpacing: SPACING_MS, streams });
    return toBinary(saf.DataRecordSchema, record);
  }
}

/** How far the ground has moved by then: the first motion is the peak, what follows swings and falls. */
function motion(peak: number, sinceMs: number): number {
  if (sinceMs < 0 || sinceMs > WAVE_MS) return 0;
  return peak * Math.exp(-sinceMs / DECAY_MS) * Math.cos((2 * Math.PI * SWINGS_PER_S * sinceMs) / 1000);
}
