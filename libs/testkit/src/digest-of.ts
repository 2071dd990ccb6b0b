import pg from "pg";

const TABLES = `
  SELECT DISTINCT table_schema, table_name FROM information_schema.columns
  WHERE column_name = 'namespace' AND table_schema NOT IN ('pg_catalog', 'information_schema')
  ORDER BY table_schema, table_name`;

/** By the tables that have rows of a namespace: a digest of all that these hold. */
export async function digestOf(postgresUrl: string, namespace: string): Promise<Record<string, string>> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    const digests: Record<string, string> = {};
    const { rows } = await client.query<{ table_schema: string; table_name: string }>(TABLES);
    for (const { table_schema, table_name } of rows) {
      const table = `${pg.escapeIdentifier(table_schema)}.${pg.escapeIdentifier(table_name)}`;
      const { rows: found } = await client.query<{ rows: number; digest: string }>(
        `SELECT count(*)::int AS rows, md5(string_agg(t::text, '|' ORDER BY t::text)) AS digest
         FROM ${table} t WHERE namespace::text = $1`,
        [namespace],
      );
      const [one] = found;
      if (one !== undefined && one.rows > 0) digests[`${table_schema}.${table_name}`] = one.digest;
    }
    return digests;
  } finally {
    await client.end();
  }
}
