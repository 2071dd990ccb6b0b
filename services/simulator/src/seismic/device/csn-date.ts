/** CSN's date: UTC to the millisecond, without a zone. */
export function csnDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

/** The moment that such a date tells: ms since 1970 UTC; undefined: it is none. */
export function csnTime(date: string): number | undefined {
  const ms = Date.parse(`${date}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
