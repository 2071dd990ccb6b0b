/** The least and the greatest sample of a stretch; both NaN where it has none that is a number. */
export interface Extent {
  readonly min: number;
  readonly max: number;
}

/**
 * A stretch of samples as at most `columns` extents of about the same length, so that a plot of them, however few,
 * loses no peak. With fewer samples than columns: one for each sample.
 */
export function envelopeOf(samples: Float64Array, columns: number): Extent[] {
  const count = Math.min(columns, samples.length);
  return Array.from({ length: count }, (_, column) => {
    const from = Math.floor((column * samples.length) / count);
    const to = Math.floor(((column + 1) * samples.length) / count);
    return extentOf(samples, from, to);
  });
}

function extentOf(samples: Float64Array, from: number, to: number): Extent {
  let min = Number.NaN;
  let max = Number.NaN;
  for (let at = from; at < to; at++) {
    const sample = samples[at] as number;
    if (!Number.isFinite(sample)) continue;
    if (!(sample >= min)) min = sample;
    if (!(sample <= max)) max = sample;
  }
  return { min, max };
}
