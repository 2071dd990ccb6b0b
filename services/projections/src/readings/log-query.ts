import { sql } from "kysely";
import { type Database, direction, type PageAsked, rowsAsked } from "./page.js";
import type { LogEntryRow } from "./tables.js";

export type LogEntryFound = Pick<
  LogEntryRow,
  "seconds" | "severity" | "revision" | "message" | "details" | "divided"
>;

export async function pageOfLogEntries({ db, schema }: Database, asked: PageAsked): Promise<LogEntryFound[]> {
  const way = direction(asked);
  const { rows } = await sql<LogEntryFound>`
    SELECT seconds, severity, revision, message, details, divided
      FROM ${sql.id(schema, "log_entries")}
     WHERE ${rowsAsked(asked)}
     ORDER BY occurred_at ${way}, seconds ${way}, position ${way}, index ${way}
     LIMIT ${asked.limit}`.execute(db);
  if (asked.previous) rows.reverse();
  return rows;
}

export interface LogSummaryFound {
  readonly severity: string;
  readonly message: string;
  /** Of the earliest and of the latest entry. */
  readonly first_revision: number | null;
  readonly last_revision: number | null;
  readonly first_seconds: number;
  readonly last_seconds: number;
  readonly count: number;
}

/** Of a device that has more kinds of entries than this, those that came up last. */
const SUMMARIES = 10_000;

/** Warnings and errors by severity and message, ascending by the time of the newest. */
export async function summarizeLogEntries(
  { db, schema }: Database,
  namespace: string,
  device: string,
): Promise<LogSummaryFound[]> {
  const { rows } = await sql<LogSummaryFound>`
    SELECT severity, message, count(*) AS count,
           (array_agg(revision ORDER BY seconds, position, index))[1] AS first_revision,
           (array_agg(revision ORDER BY seconds DESC, position DESC, index DESC))[1] AS last_revision,
           min(seconds) AS first_seconds, max(seconds) AS last_seconds
      FROM ${sql.id(schema, "log_entries")}
     WHERE namespace = ${namespace} AND device = ${device} AND severity IN ('warning', 'error')
     GROUP BY severity, message
     ORDER BY last_seconds DESC, severity DESC, message DESC
     LIMIT ${SUMMARIES}`.execute(db);
  return rows.reverse();
}
