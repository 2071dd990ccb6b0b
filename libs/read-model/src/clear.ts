import type { ClearedPart } from "@fieldlog/event-log";
import { sql } from "kysely";
import pg from "pg";
import type { ClearedRows, ReadModelDefinition, ReadModelTransaction } from "./definition.js";
import type { Stage } from "./lock.js";
import type { WritingSession } from "./session.js";
import { PullTransaction } from "./transaction.js";

/**
 * Deletes the namespace's rows from the tables, by their column `namespace`; of an erased device, by the column
 * with its id as well, from those tables that have it.
 */
export async function clearedByColumns(
  tx: ReadModelTransaction,
  tables: readonly string[],
  { namespace, device }: ClearedPart,
  deviceColumn = "device",
): Promise<void> {
  for (const table of tables) {
    if (device !== undefined && !(await hasColumn(tx, table, deviceColumn))) continue;
    const of = device === undefined ? sql`` : sql` and ${sql.id(deviceColumn)} = ${device}`;
    await sql`delete from ${sql.id(tx.schema, table)} where namespace = ${namespace}${of}`.execute(tx.db);
  }
}

async function hasColumn(tx: ReadModelTransaction, table: string, column: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_attribute where attrelid = ${`${pg.escapeIdentifier(tx.schema)}.${pg.escapeIdentifier(table)}`}::regclass
    and attname = ${column} and not attisdropped`.execute(tx.db);
  return rows.length > 0;
}

function byColumns(tables: readonly string[]): ClearedRows {
  return {
    rows: (tx, cleared) => clearedByColumns(tx, tables, cleared),
    takes: ({ device }, key) => device === undefined || device === key,
  };
}

export interface ClearOptions<T> {
  readonly session: WritingSession;
  readonly definition: Pick<ReadModelDefinition<T>, "name" | "tables" | "clear">;
  readonly stage: Stage;
  readonly cleared: ClearedPart;
}

/**
 * Takes the part out of the tables and forgets its dead letters, in the transaction under way.
 *
 * @returns the keys of the namespace that wait no longer
 */
export async function clearRows<T>(options: ClearOptions<T>): Promise<string[]> {
  const { session, definition, stage, cleared } = options;
  const clear = definition.clear ?? byColumns(definition.tables);
  await clear.rows(new PullTransaction(session), cleared);
  const letters = session.bookkeeping
    .selectFrom("dead_letters")
    .select("key")
    .distinct()
    .where("read_model", "=", definition.name)
    .where("stage", "=", stage)
    .where("namespace", "=", cleared.namespace);
  const keys = (await letters.execute()).map(({ key }) => key).filter((key) => clear.takes(cleared, key));
  if (keys.length === 0) return keys;
  await session.bookkeeping
    .deleteFrom("dead_letters")
    .where("read_model", "=", definition.name)
    .where("stage", "=", stage)
    .where("namespace", "=", cleared.namespace)
    .where("key", "=", sql<string>`any(${keys}::text[])`)
    .execute();
  return keys;
}
