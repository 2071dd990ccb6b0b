const FIRST = Date.parse("0001-01-01T00:00:00.000Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");

/**
 * A time of a device as RFC 3339. A device's clock may say anything: what lies outside of the years 1 to
 * 9999, which neither Postgres nor RFC 3339 can express, becomes the nearest time inside.
 *
 * @param ms since 1970 UTC
 */
export function instant(ms: bigint | number): string {
  return new Date(Math.min(Math.max(Number(ms), FIRST), LAST)).toISOString();
}
