import pg from "pg";

/** The read model cannot go on until an operator has looked; the reason is for them. */
export class ReadModelStopped extends Error {
  override readonly name = "ReadModelStopped";
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(reason, options);
  }
}

/** Somebody else wrote this read model: what this session believes about it no longer holds. */
export class CheckpointMoved extends Error {
  override readonly name = "CheckpointMoved";
}

/** `apply` cannot go on now, because of something else than the records: it is tried again, and nothing is parked. */
export class NotYet extends Error {
  override readonly name = "NotYet";
}

/** Classes of SQLSTATE that do not lie in the rows: connection, resources, operator, system, contention. */
const NOT_THE_DATA = ["08", "25", "40", "53", "55", "57", "58", "XX", "F0"];
/** Undefined schema, table or column: then the tables are broken, not the rows. */
const TABLES_BROKEN = new Set(["3F000", "42P01", "42703"]);

/**
 * Whether an error that `apply` raised, over a connection that still works, lies in the records, so that
 * trying again cannot help. Errors of code (a TypeError, say) count as that: the record brought them out.
 */
export function liesInTheData(error: unknown): boolean {
  if (error instanceof ReadModelStopped || error instanceof CheckpointMoved || error instanceof NotYet) {
    return false;
  }
  if (!(error instanceof pg.DatabaseError)) return true;
  const code = error.code ?? "";
  return !NOT_THE_DATA.includes(code.slice(0, 2)) && !TABLES_BROKEN.has(code);
}

/** SQLSTATEs of a server that is starting, ending, full or locked, and of tables that are not made yet. */
const AWAY = ["08", "53", "55", "57"];
const NOT_MADE = new Set(["3F000", "42P01"]);
const AWAY_MESSAGES =
  /timeout exceeded when trying to connect|Query read timeout|Connection terminated|connection error|Cannot use a pool/;

/** Whether a query failed because Postgres, or the tables of a read model, are not there: try later. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? "";
    return AWAY.includes(code.slice(0, 2)) || NOT_MADE.has(code);
  }
  if (!(error instanceof Error)) return false;
  return "syscall" in error || AWAY_MESSAGES.test(error.message);
}

const UNIQUE_VIOLATION = "23505";

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION;
}

/** The text as Postgres can keep it: it has no character U+0000. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** One line for an operator. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return storable(String(error));
  const detail = error instanceof pg.DatabaseError && error.detail ? ` (${error.detail})` : "";
  return storable(`${error.message}${detail}`.slice(0, 500));
}
