const FIRST = Date.parse("0001-01-01T00:00:00.000Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");

// Times in a log come close together, so the text of a second is mostly there already; writing it anew for
// each time would be a tenth of what applying an event costs.
const KEPT = 64;
const keptSeconds = new Float64Array(KEPT).fill(Number.NaN);
const keptTexts: string[] = new Array(KEPT).fill("");
const FRACTIONS = Array.from({ length: 1_000 }, (_, ms) => `.${String(ms).padStart(3, "0")}Z`);

/**
 * A time of a device as RFC 3339. A device's clock may say anything: what lies outside of the years 1 to
 * 9999, which neither Postgres nor RFC 3339 can express, becomes the nearest time inside.
 *
 * @param ms since 1970 UTC
 */
export function instant(ms: bigint | number): string {
  const within = Math.min(Math.max(Math.trunc(Number(ms)), FIRST), LAST);
  const second = Math.floor(within / 1_000);
  const slot = Math.abs(second % KEPT);
  if (keptSeconds[slot] !== second) {
    keptTexts[slot] = new Date(second * 1_000).toISOString().slice(0, 19);
    keptSeconds[slot] = second;
  }
  return (keptTexts[slot] as string) + (FRACTIONS[within - second * 1_000] as string);
}

/**
 * The same of a time in seconds, cut to milliseconds. The later of two times never becomes the earlier one;
 * what is no number becomes 1970.
 *
 * @param seconds since 1970 UTC
 */
export function instantOfSeconds(seconds: number): string {
  return instant(millisOfSeconds(seconds));
}

/** Seconds since 1970 UTC as whole milliseconds, within what {@link instant} can express. */
export function millisOfSeconds(seconds: number): number {
  return Math.min(Math.max(Math.floor((seconds || 0) * 1_000), FIRST), LAST);
}
