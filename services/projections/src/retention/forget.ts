import { isDatabaseAway } from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";
import { endOf, partitionsOf } from "../readings/partitions.js";
import type { AgingTable, Rule } from "./rules.js";

/** Rows that are deleted in one statement, which takes 30 to 90 ms on a busy machine of two cores. */
const ROWS_AT_ONCE = 10_000;
/** Milliseconds that whoever reads or writes the table may have to wait for a partition that goes. */
const LOCK_MS = 200;
/** Milliseconds after the end of its time during which an empty partition stays. */
const IDLE_MS = 62 * 86_400_000;

const PARTITIONED = ["measurements", "log_entries"] as const;

// biome-ignore lint/suspicious/noExplicitAny: tables are named by what is passed
type Connection = Kysely<any>;

/** Where rows are: a table, or each of its partitions. */
export async function placesOf(db: Connection, schema: string, table: AgingTable): Promise<string[]> {
  if (!PARTITIONED.some((one) => one === table)) return [table];
  return await partitionsOf(db, schema, table);
}

/**
 * Deletes some of the rows that a rule is about from a place. Rows that are being written are left for the
 * next time.
 *
 * @returns how many, and whether there may be more
 */
export async function forgetSome(
  db: Connection,
  schema: string,
  place: string,
  { namespaces, before }: Rule,
): Promise<{ deleted: number; more: boolean }> {
  const table = sql.id(schema, place);
  const which =
    "in" in namespaces
      ? sql`namespace = ANY (${namespaces.in}::text[])`
      : sql`namespace <> ALL (${namespaces.notIn}::text[])`;
  const { numAffectedRows } = await sql`
    DELETE FROM ${table} WHERE ctid = ANY (ARRAY (
      SELECT ctid FROM ${table} WHERE ${which} AND received_at < ${before}
       LIMIT ${ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED))`.execute(db);
  const deleted = Number(numAffectedRows ?? 0n);
  return { deleted, more: deleted === ROWS_AT_ONCE };
}

/**
 * Drops the partitions of times long past that hold nothing. One that somebody is reading stays until the
 * next time.
 *
 * @param now ms since 1970 UTC
 * @returns their names
 */
export async function dropEmptyPartitions(db: Connection, schema: string, now: number): Promise<string[]> {
  const dropped: string[] = [];
  for (const table of PARTITIONED) {
    for (const partition of await partitionsOf(db, schema, table)) {
      const end = endOf(partition);
      if (end === undefined || end > now - IDLE_MS || !(await isEmpty(db, schema, partition))) continue;
      if (await dropIfEmpty(db, schema, table, partition)) dropped.push(partition);
    }
  }
  return dropped;
}

async function isEmpty(db: Connection, schema: string, partition: string): Promise<boolean> {
  const { rows } = await sql`SELECT FROM ${sql.id(schema, partition)} LIMIT 1`.execute(db);
  return rows.length === 0;
}

async function dropIfEmpty(
  db: Connection,
  schema: string,
  table: string,
  partition: string,
): Promise<boolean> {
  try {
    return await db.transaction().execute(async (tx) => {
      await sql`SET LOCAL lock_timeout = ${sql.lit(LOCK_MS)}`.execute(tx);
      await sql`LOCK TABLE ${sql.id(schema, table)} IN ACCESS EXCLUSIVE MODE`.execute(tx);
      if (!(await isEmpty(tx, schema, partition))) return false;
      await sql`DROP TABLE ${sql.id(schema, partition)}`.execute(tx);
      return true;
    });
  } catch (error) {
    // Among others lock_not_available.
    if (isDatabaseAway(error)) return false;
    throw error;
  }
}
