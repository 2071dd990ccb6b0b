import pg from "pg";
import { BackupError } from "./errors.js";

/** Schemas with read models of Fieldlog, and those in which one was being built anew. Raises BackupError. */
export async function schemasOf(url: string): Promise<string[]> {
  return await withDatabase(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(`
      WITH own AS (SELECT table_schema AS name FROM information_schema.tables WHERE table_name = 'read_models')
      SELECT schema_name AS name FROM information_schema.schemata
       WHERE schema_name IN (SELECT name FROM own)
          OR EXISTS (SELECT FROM own WHERE starts_with(schema_name, own.name || '__') AND schema_name LIKE '%\\_rebuild')
       ORDER BY 1`);
    return rows.map(({ name }) => name);
  });
}

export async function dropTables(url: string, schemas: readonly string[]): Promise<void> {
  if (schemas.length === 0) return;
  const names = schemas.map((schema) => pg.escapeIdentifier(schema)).join(", ");
  await withDatabase(url, (client) => client.query(`DROP SCHEMA ${names} CASCADE`));
}

async function withDatabase<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (cause) {
    throw new BackupError(`Postgres: ${(cause as Error).message}`, {
      hint: "FIELDLOG_POSTGRES_URL says where it is: postgres://user:password@host:5432/fieldlog",
      cause,
    });
  } finally {
    await client.end().catch(() => undefined);
  }
}
