import { Caller, type Door, differences, eventsAt, within } from "@fieldlog/upgrade";

/** What stays wrong with the events that can be read at this door: `acknowledged` ones that are missing, and doubled ones. */
export async function stored(door: Door, key: string, acknowledged: ReadonlySet<number>): Promise<string[]> {
  const caller = new Caller(key, new Set([door]));
  let problems: string[] = [];
  await within(async () => {
    problems = differences("the table", await eventsAt(caller, door), acknowledged);
    return problems.length === 0;
  });
  return problems;
}
