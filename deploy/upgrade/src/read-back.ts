import { setTimeout as sleep } from "node:timers/promises";
import { type Caller, type Door, EVENTS } from "./load.js";

/** Milliseconds for what happens elsewhere. */
const PATIENCE_MS = 180_000;
const PAGE = 1_000;

/** What is wrong with the numbers of events that `who` has: acknowledged ones that are missing, and any that are there twice. */
export function differences(
  who: string,
  got: readonly number[],
  acknowledged: ReadonlySet<number>,
): string[] {
  const once = new Set(got);
  const missing = [...acknowledged].filter((n) => !once.has(n));
  return [
    ...(missing.length > 0
      ? [`${who} lacks ${missing.length} of ${acknowledged.size}: ${missing.slice(0, 10)}`]
      : []),
    ...(got.length > once.size ? [`${who} has ${got.length - once.size} twice`] : []),
  ];
}

/** The numbers of all events of a Load, as they can be read at this door. */
export async function eventsAt(caller: Caller, door: Door): Promise<number[]> {
  const all: number[] = [];
  for (let after = 0; ; ) {
    const path = `${EVENTS}?type=Upgrade&limit=${PAGE}&after=${after}`;
    const { json } = await patiently(() => caller.at(door, "GET", path), [200]);
    for (const { data } of json.events) all.push(data);
    if (typeof json.next !== "number" || json.next === after) return all;
    after = json.next;
  }
}

/** Until it has one of these statuses. Raises an error for what asking again does not change. */
export async function patiently<A extends { status: number; json: unknown }>(
  ask: () => Promise<A>,
  statuses: readonly number[],
): Promise<A> {
  let last: A | undefined;
  const done = await within(async () => {
    last = await ask().catch(() => undefined);
    return last !== undefined && (statuses.includes(last.status) || last.status === 400);
  });
  if (!done || last === undefined || !statuses.includes(last.status))
    throw new Error(`answered ${last?.status} ${JSON.stringify(last?.json)}`);
  return last;
}

/** Asks ten times a second; false when it does not hold within three minutes. */
export async function within(holds: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + PATIENCE_MS; ; ) {
    if (await holds()) return true;
    if (Date.now() > deadline) return false;
    await sleep(100);
  }
}
