import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds for a test's own calls of a service: what holds one up for less is a busy machine, and no finding. */
export const CALL_MS = 60_000;

/**
 * Milliseconds that a test grants what is promised within a second or two: the machine may be busy. What misses the
 * promise comes with a cache's end, a minute later, or not at all.
 */
export const SOON_MS = 15_000;

/**
 * Asks every 25 ms until `condition` gives something true, and returns that. Raises an Error with `what` (and the
 * condition's own last error) after `timeoutMs`.
 */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`, { cause: last });
    await sleep(25);
  }
}
