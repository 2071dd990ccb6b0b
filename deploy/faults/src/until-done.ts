import { setTimeout as sleep } from "node:timers/promises";

const LOOK_MS = 500;

/** Waits until nothing is missing any more. Raises Error with what still was when the time is over. */
export async function untilDone(
  what: string,
  ms: number,
  missing: () => string | undefined | Promise<string | undefined>,
): Promise<undefined> {
  const deadline = Date.now() + ms;
  for (;;) {
    const left = await missing();
    if (left === undefined) return undefined;
    if (Date.now() > deadline) throw new Error(`not within ${ms / 1_000} s: ${what}: ${left}`);
    await sleep(LOOK_MS);
  }
}
