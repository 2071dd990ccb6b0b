import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 500;

/**
 * Waits until nothing is missing any more; that it cannot be looked counts as missing. Raises Error with what still was
 * when the time is over.
 */
export async function untilDone(
  what: string,
  ms: number,
  missing: () => string | undefined | Promise<string | undefined>,
): Promise<undefined> {
  const deadline = Date.now() + ms;
  for (;;) {
    const left = await whatOf(missing);
    if (left === undefined) return undefined;
    if (Date.now() > deadline) throw new Error(`not within ${ms / 1_000} s: ${what}: ${left}`);
    await sleep(LOOK_MS);
  }
}

/**
 * Looks until nothing is wrong with what is seen, or the time is over: what was seen last. Raises Error when it could
 * never be looked; `late` is told of what is wrong in the end.
 */
export async function lastLook<T>(what: string, { ms, look, wrong, late }: Looking<T>): Promise<T> {
  let seen: { value: T } | undefined;
  try {
    await untilDone(what, ms, async () => {
      seen = { value: await look() };
      return wrong(seen.value);
    });
  } catch (error) {
    if (seen === undefined) throw error;
    late?.((error as Error).message);
  }
  return (seen as { value: T }).value;
}

export interface Looking<T> {
  readonly ms: number;
  readonly look: () => Promise<T>;
  readonly wrong: (value: T) => string | undefined;
  readonly late?: (message: string) => void;
}

async function whatOf(missing: () => string | undefined | Promise<string | undefined>) {
  try {
    return await missing();
  } catch (error) {
    return `could not look: ${(error as Error).message}`;
  }
}
