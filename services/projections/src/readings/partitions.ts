import { instant } from "@fieldlog/events";
import type { ReadModelTransaction } from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";

/** A stretch of time, from the first millisecond to before the last, and what it is called. */
export interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

// A device's clock may say anything, and every partition costs the planning of every query. So there are
// months only where most data are, years around them, and two partitions for all that lies beyond:
// at the most 432 of each table, whatever devices send. Not a default partition: making another one beside
// it would lock it.
const FIRST_YEAR = 2000;
const FIRST_YEAR_OF_MONTHS = 2020;
const YEARS_AFTER_MONTHS = 2050;
const END_YEAR = 2100;
const BEGIN = Date.UTC(FIRST_YEAR, 0);
const END = Date.UTC(END_YEAR, 0);

export const EARLIER: Span = { name: "earlier", from: Number.NEGATIVE_INFINITY, to: BEGIN };
export const LATER: Span = { name: "later", from: END, to: Number.POSITIVE_INFINITY };

/** @param ms since 1970 UTC */
export function spanOf(ms: number): Span {
  if (ms < BEGIN) return EARLIER;
  if (ms >= END) return LATER;
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (year < FIRST_YEAR_OF_MONTHS || year >= YEARS_AFTER_MONTHS) {
    return { name: String(year), from: Date.UTC(year, 0), to: Date.UTC(year + 1, 0) };
  }
  const month = date.getUTCMonth();
  const name = `${year}_${String(month + 1).padStart(2, "0")}`;
  return { name, from: Date.UTC(year, month), to: Date.UTC(year, month + 1) };
}

/** Where the time of a partition ends, by its name; undefined: it has none of its own. ms since 1970 UTC. */
export function endOf(partition: string): number | undefined {
  const [, year, month] = /_(\d{4})(?:_(\d{2}))?$/.exec(partition) ?? [];
  if (year === undefined) return undefined;
  return spanOf(Date.UTC(Number(year), month === undefined ? 0 : Number(month) - 1)).to;
}

/** Collects the spans of many times, most of which lie in the one of the time before. */
export class Spans {
  private readonly found = new Map<string, Span>();
  private last: Span | undefined;

  add(ms: number): void {
    if (this.last && ms >= this.last.from && ms < this.last.to) return;
    this.last = spanOf(ms);
    this.found.set(this.last.name, this.last);
  }

  all(): Span[] {
    return [...this.found.values()];
  }
}

/** The two partitions that a table always has. `table` is empty and partitioned by range of a timestamptz. */
export async function createOuterPartitions<Tables>(db: Kysely<Tables>, table: string): Promise<void> {
  const earlier = sql.id(`${table}_${EARLIER.name}`);
  const later = sql.id(`${table}_${LATER.name}`);
  const [begin, end] = [sql.lit(instant(BEGIN)), sql.lit(instant(END))];
  await sql`CREATE TABLE ${earlier} PARTITION OF ${sql.id(table)} FOR VALUES FROM (MINVALUE) TO (${begin})`.execute(
    db,
  );
  await sql`CREATE TABLE ${later} PARTITION OF ${sql.id(table)} FOR VALUES FROM (${end}) TO (MAXVALUE)`.execute(
    db,
  );
}

/**
 * Makes the partitions that are missing, and keeps those that are there from being dropped until the
 * transaction ends. Readers wait for none of this: a partition that is attached locks only writers.
 */
export async function ensurePartitions(
  tx: ReadModelTransaction,
  table: string,
  spans: readonly Span[],
): Promise<void> {
  const inner = spans.filter((span) => span !== EARLIER && span !== LATER);
  if (inner.length === 0) return;
  await sql`LOCK TABLE ${sql.id(table)} IN ROW EXCLUSIVE MODE`.execute(tx.db);
  const there = new Set(await partitionsOf(tx.db, tx.schema, table));
  for (const span of inner) {
    const name = `${table}_${span.name}`;
    if (there.has(name)) continue;
    await sql`CREATE TABLE ${sql.id(name)} (LIKE ${sql.id(table)} INCLUDING ALL)`.execute(tx.db);
    await sql`
      ALTER TABLE ${sql.id(table)} ATTACH PARTITION ${sql.id(name)}
      FOR VALUES FROM (${sql.lit(instant(span.from))}) TO (${sql.lit(instant(span.to))})`.execute(tx.db);
  }
}

/** The names of a table's partitions. */
export async function partitionsOf<Tables>(
  db: Kysely<Tables>,
  schema: string,
  table: string,
): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT part.relname AS name
      FROM pg_class AS parent
      JOIN pg_inherits ON inhparent = parent.oid
      JOIN pg_class AS part ON part.oid = inhrelid
     WHERE parent.relnamespace = ${schema}::regnamespace AND parent.relname = ${table}
     ORDER BY name`.execute(db);
  return rows.map(({ name }) => name);
}
