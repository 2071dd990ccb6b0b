import { setTimeout as sleep } from "node:timers/promises";
import type { Association } from "./association.js";
import { quakeLine, statusLine, type Tally } from "./lines.js";
import type { ReadBack } from "./read-back.js";

const STATUS_MS = 15_000;
/** Pause between two questions while picks are awaited; also how exactly "late" is measured. */
const BUSY_MS = 20;
const IDLE_MS = 100;
const AFTER_FAILURE_MS = 1_000;

/** Prints a line for each earthquake when its picks have been read back; raises AbortError at the end. */
export async function showEarthquakes(
  source: ReadBack,
  association: Association,
  print: (line: string) => void,
  complain: (line: string) => void,
  signal: AbortSignal,
): Promise<never> {
  for (;;) {
    let pause = IDLE_MS;
    if (association.awaits(Date.now())) {
      pause = BUSY_MS;
      try {
        const picks = await source.read();
        const seenAt = Date.now();
        for (const pick of picks) association.observe(pick, seenAt);
      } catch (error) {
        if (!signal.aborted) complain(`Reading back failed: ${(error as Error).message}`);
        pause = AFTER_FAILURE_MS;
      }
    }
    for (const seen of association.finished(Date.now())) print(quakeLine(seen, new Date()));
    await sleep(pause, undefined, { signal });
  }
}

/** Prints every few seconds what happened since the last time; raises AbortError at the end. */
export async function showStatus(
  tally: Tally,
  stations: number,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<never> {
  for (;;) {
    const before = { ...tally };
    await sleep(STATUS_MS, undefined, { signal });
    const since = Object.entries(tally).map(([what, count]) => [what, count - before[what as keyof Tally]]);
    print(statusLine(Object.fromEntries(since) as Tally, STATUS_MS / 1000, stations, new Date()));
  }
}
