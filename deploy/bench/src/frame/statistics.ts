/** The middle of the values, or the mean of the two in the middle. Raises RangeError for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new RangeError("no values");
  return (low + high) / 2;
}

/** How far the values are apart, as a share of their median: 0.1 is 10 %. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  return middle === 0 ? 0 : (Math.max(...values) - Math.min(...values)) / middle;
}

/** The value that a share (0 to 1) of the ascending values do not exceed. Raises RangeError for none. */
export function percentile(ascending: Float64Array | readonly number[], share: number): number {
  const value =
    ascending[Math.min(ascending.length - 1, Math.max(0, Math.ceil(share * ascending.length) - 1))];
  if (value === undefined) throw new RangeError("no values");
  return value;
}
