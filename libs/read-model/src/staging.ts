import { type Kysely, sql } from "kysely";
import pg from "pg";
import type { Bookkeeping } from "./bookkeeping.js";
import { createCheckpoint, loadCheckpoint } from "./checkpoint.js";
import type { ReadModelDefinition } from "./definition.js";
import type { WritingSession } from "./session.js";

/** Milliseconds for which a swap may keep new queries waiting behind a long one, per attempt. */
const SWAP_LOCK_MS = 200;

/** The schema in which a read model is built anew. */
export function stagingSchema(schema: string, model: string): string {
  return `${schema}__${model.replaceAll("-", "_")}_rebuild`;
}

/** Empty tables in the staging schema, without the indexes that only queries need, and a checkpoint at the beginning of the log. */
export async function createStaging<T>(
  session: WritingSession,
  definition: ReadModelDefinition<T>,
): Promise<void> {
  await session.transaction(async () => {
    await forget(session.bookkeeping, definition.name, session.schema);
    await sql`CREATE SCHEMA ${sql.id(session.schema)}`.execute(session.db);
    await definition.create(session.db);
    await createCheckpoint(session.bookkeeping, definition.name, "rebuild", definition.version);
  });
}

export async function dropStaging(session: WritingSession, model: string, staging: string): Promise<void> {
  await session.transaction(() => forget(session.bookkeeping, model, staging));
}

async function forget(db: Kysely<Bookkeeping>, model: string, staging: string): Promise<void> {
  await sql`DROP SCHEMA IF EXISTS ${sql.id(staging)} CASCADE`.execute(db);
  await db.deleteFrom("read_models").where("name", "=", model).where("stage", "=", "rebuild").execute();
  await db
    .deleteFrom("dead_letters")
    .where("read_model", "=", model)
    .where("stage", "=", "rebuild")
    .execute();
}

/** The indexes that only queries need. May be asked again: after a crash, or when the swap did not succeed. */
export async function indexStaging<T>(
  session: WritingSession,
  definition: ReadModelDefinition<T>,
): Promise<void> {
  await session.transaction(async () => definition.index?.(session.db));
}

/** Fresh statistics, so that the first queries after the swap are planned well. */
export async function analyzeStaging<T>(
  session: WritingSession,
  definition: ReadModelDefinition<T>,
): Promise<void> {
  for (const table of definition.tables) {
    await session.client.query(`ANALYZE ${pg.escapeIdentifier(table)}`);
  }
}

/**
 * Puts the staged tables in the place of the live ones, with their checkpoint and dead letters, in one
 * transaction: a query sees the old tables or the new ones. Raises lock_timeout (55P03) when a long query
 * holds the old ones; nothing has changed then.
 *
 * @param session the live one, which nothing else may be writing over
 */
export async function swapIn<T>(
  session: WritingSession,
  definition: ReadModelDefinition<T>,
  staging: string,
): Promise<void> {
  const { bookkeeping: db, schema } = session;
  const { name } = definition;
  await session.transaction(async () => {
    await sql`SET LOCAL synchronous_commit = on`.execute(db);
    await sql`SET LOCAL lock_timeout = ${sql.lit(SWAP_LOCK_MS)}`.execute(db);
    const staged = await loadCheckpoint(db, name, "rebuild");
    if (!staged) throw new Error(`nothing is staged for ${name}`);
    for (const table of definition.tables) {
      await sql`DROP TABLE IF EXISTS ${sql.id(schema, table)} CASCADE`.execute(db);
    }
    // All that is staged: partitions and views do not come along with their tables.
    for (const name of await relations(db, staging)) {
      await sql`ALTER TABLE ${sql.id(staging, name)} SET SCHEMA ${sql.id(schema)}`.execute(db);
    }
    await db.deleteFrom("read_models").where("name", "=", name).where("stage", "=", "live").execute();
    await db.deleteFrom("dead_letters").where("read_model", "=", name).where("stage", "=", "live").execute();
    await db
      .updateTable("read_models")
      .set({ stage: "live", stopped_reason: null })
      .where("name", "=", name)
      .where("stage", "=", "rebuild")
      .execute();
    await db
      .updateTable("dead_letters")
      .set({ stage: "live" })
      .where("read_model", "=", name)
      .where("stage", "=", "rebuild")
      .execute();
    await sql`DROP SCHEMA ${sql.id(staging)} CASCADE`.execute(db);
  });
}

async function relations(db: Kysely<Bookkeeping>, schema: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class
     WHERE relnamespace = ${schema}::regnamespace AND relkind IN ('r', 'p', 'v')`.execute(db);
  return rows.map(({ name }) => name);
}
