/**
 * Seconds from now that the header asks for: a number of them, or a date (RFC 9110, 10.2.3). 0: it asks for none,
 * or makes no sense.
 *
 * @param now ms since 1970 UTC
 */
export function retryAfterOf(header: string | string[] | undefined, now: number): number {
  if (typeof header !== "string") return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const at = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(header)
    ? Date.parse(header)
    : Number.NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, Math.ceil((at - now) / 1000));
}
