import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { lockKey } from "./lock.js";
import { WritingSession } from "./session.js";

const migrations: Record<string, Migration> = {
  "001-read-models": {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable("read_models")
        .addColumn("name", "text", (column) => column.notNull())
        .addColumn("stage", "text", (column) => column.notNull())
        .addColumn("version", "integer", (column) => column.notNull())
        .addColumn("sequence", "bigint", (column) => column.notNull())
        .addColumn("stopped_reason", "text")
        .addPrimaryKeyConstraint("read_models_pkey", ["name", "stage"])
        .execute();
      // Each pull rewrites a checkpoint: room on the page keeps that a change in place.
      await sql`ALTER TABLE ${sql.table("read_models")} SET (fillfactor = 10)`.execute(db);
      await db.schema
        .createTable("dead_letters")
        .addColumn("read_model", "text", (column) => column.notNull())
        .addColumn("stage", "text", (column) => column.notNull())
        .addColumn("namespace", "text", (column) => column.notNull())
        .addColumn("key", "text", (column) => column.notNull())
        .addColumn("position", "bigint", (column) => column.notNull())
        .addColumn("reason", "text", (column) => column.notNull())
        .addColumn("parked_at", "timestamptz", (column) => column.notNull().defaultTo(sql`now()`))
        .addPrimaryKeyConstraint("dead_letters_pkey", ["read_model", "stage", "namespace", "key", "position"])
        .execute();
      await db.schema
        .createTable("requests")
        .addColumn("id", "bigint", (column) => column.generatedAlwaysAsIdentity().primaryKey())
        .addColumn("read_model", "text", (column) => column.notNull())
        .addColumn("kind", "text", (column) => column.notNull())
        .addColumn("namespace", "text", (column) => column.notNull())
        .addColumn("key", "text", (column) => column.notNull())
        .addColumn("requested_at", "timestamptz", (column) => column.notNull().defaultTo(sql`now()`))
        .addColumn("finished_at", "timestamptz")
        .addColumn("done", "bigint", (column) => column.notNull().defaultTo(0))
        .addColumn("remaining", "bigint", (column) => column.notNull().defaultTo(0))
        .addColumn("error", "text")
        .execute();
    },
  },
  "002-keys-of-any-length": {
    // A B-tree refuses a long text: a record whose key is one could not even be set aside.
    async up(db: Kysely<unknown>) {
      await sql`ALTER TABLE dead_letters DROP CONSTRAINT dead_letters_pkey`.execute(db);
      await sql`
        CREATE UNIQUE INDEX dead_letters_key
            ON dead_letters (read_model, stage, namespace, md5(key), position)`.execute(db);
    },
  },
};

/** Makes the schema and brings its bookkeeping up to date; of several replicas one does, the others wait. */
export async function prepareBookkeeping(url: string, schema: string): Promise<void> {
  const session = await WritingSession.open({ url, schema, name: `${schema} migrations` });
  try {
    await session.client.query("SELECT pg_advisory_lock($1::bigint)", [lockKey(schema, "", "live")]);
    await sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(schema)}`.execute(session.db);
    const migrator = new Migrator({
      db: session.db,
      provider: { getMigrations: async () => migrations },
      migrationTableSchema: schema,
    });
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
  } finally {
    await session.close();
  }
}
