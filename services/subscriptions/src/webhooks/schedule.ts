/** Milliseconds. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Between attempts, as Standard Webhooks has it ("deliverability and reliability"): three days in all. */
const PAUSES: readonly number[] = [
  ...[5 * SECOND, 5 * MINUTE, 30 * MINUTE],
  ...[2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
];
/** The longest that an endpoint's Retry-After is listened to. */
const LONGEST_MS = 24 * HOUR;
/** Part of a pause by which it is longer at most, so that endpoints are not asked by all at once. */
const JITTER = 0.1;

/**
 * When to try again after `failures` attempts in a row that failed: ms since 1970 UTC; undefined: not any more.
 *
 * @param retryAfterS what the endpoint asked for, in seconds
 * @param random from 0 to 1
 */
export function nextAttempt(
  failures: number,
  now: number,
  retryAfterS = 0,
  random: number = Math.random(),
): number | undefined {
  const pause = PAUSES[failures - 1];
  if (pause === undefined) return undefined;
  const longer = Math.round(pause * (1 + JITTER * random));
  return now + Math.max(longer, Math.min(Math.round(retryAfterS * SECOND), LONGEST_MS));
}
