import { limits } from "@fieldlog/contracts";
import { LOG_DAYS } from "../configurations/tables.js";

const DAY_MS = 86_400_000;
/** Longer than any session lives whose client could send a message with that identity again. */
const IDENTITY_MS = limits.mqttSessionS * 1_000 + DAY_MS;

export type AgingTable = "measurements" | "measurement_hours" | "log_entries" | "reading_identities";

/** How long a namespace keeps what devices reported, in days; null: for ever. */
export interface Kept {
  readonly id: string;
  readonly measurement_days: number | null;
  readonly log_days: number | null;
}

/** What is to be forgotten of a table: of some namespaces, or of all but some, what came before a time. */
export interface Rule {
  readonly table: AgingTable;
  readonly namespaces: { readonly in: readonly string[] } | { readonly notIn: readonly string[] };
  readonly before: Date;
}

/**
 * Namespaces that are kept alike are one rule, so there are as many as different numbers of days.
 *
 * @param now ms since 1970 UTC
 */
export function rulesFor(all: readonly Kept[], now: number): Rule[] {
  const before = (days: number) => new Date(now - days * DAY_MS);
  const rules: Rule[] = [];
  for (const [days, ids] of byDays(all, ({ measurement_days }) => measurement_days)) {
    for (const table of ["measurements", "measurement_hours"] as const) {
      rules.push({ table, namespaces: { in: ids }, before: before(days) });
    }
  }
  const others = all.filter(({ log_days }) => log_days !== LOG_DAYS);
  for (const [days, ids] of byDays(others, ({ log_days }) => log_days)) {
    rules.push({ table: "log_entries", namespaces: { in: ids }, before: before(days) });
  }
  // Also of namespaces that are not known here yet.
  const notIn = others.map(({ id }) => id);
  rules.push({ table: "log_entries", namespaces: { notIn }, before: before(LOG_DAYS) });
  rules.push({
    ...{ table: "reading_identities", namespaces: { notIn: [] } },
    before: new Date(now - IDENTITY_MS),
  });
  return rules;
}

function byDays(all: readonly Kept[], daysOf: (one: Kept) => number | null): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const one of all) {
    const days = daysOf(one);
    if (days === null) continue;
    const ids = groups.get(days);
    if (ids) ids.push(one.id);
    else groups.set(days, [one.id]);
  }
  return groups;
}
