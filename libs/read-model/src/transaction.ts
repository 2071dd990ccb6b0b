import type { Kysely } from "kysely";
import pg from "pg";
import { copyRows, copyStatement } from "./copy.js";
import type { ColumnValue, ReadModelTransaction } from "./definition.js";
import { isUniqueViolation } from "./failures.js";
import type { WritingSession } from "./session.js";

/** What a definition's `apply` writes with. */
export class PullTransaction implements ReadModelTransaction {
  /** Records that had been applied before. */
  duplicates = 0;

  constructor(private readonly session: WritingSession) {}

  get db(): Kysely<unknown> {
    return this.session.db;
  }

  get schema(): string {
    return this.session.schema;
  }

  countDuplicates(count: number): void {
    this.duplicates += count;
  }

  async copy(
    table: string,
    columns: readonly string[],
    rows: Iterable<readonly ColumnValue[]>,
  ): Promise<void> {
    await copyRows(this.session.client, copyStatement(table, columns), rows);
  }

  async copyNew(
    table: string,
    columns: readonly string[],
    rows: Iterable<readonly ColumnValue[]>,
    returning: string,
  ): Promise<"all" | ReadonlySet<string>> {
    const { client } = this.session;
    await client.query("SAVEPOINT copy_new");
    try {
      await copyRows(client, copyStatement(table, columns), rows);
      return "all";
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      await client.query("ROLLBACK TO SAVEPOINT copy_new");
      return await this.mergeNew(table, columns, rows, returning);
    }
  }

  /** Several times slower than COPY, so only for a pull that does hold a duplicate. */
  private async mergeNew(
    table: string,
    columns: readonly string[],
    rows: Iterable<readonly ColumnValue[]>,
    returning: string,
  ): Promise<ReadonlySet<string>> {
    const { client } = this.session;
    const passage = `new_${table}`;
    const names = columns.map(pg.escapeIdentifier).join(", ");
    const quoted = pg.escapeIdentifier(passage);
    await client.query(
      `CREATE TEMP TABLE IF NOT EXISTS ${quoted} (LIKE ${pg.escapeIdentifier(table)}) ON COMMIT DELETE ROWS`,
    );
    await copyRows(client, copyStatement(passage, columns), rows);
    // In the order in which they came, so that of two with one key the first is kept.
    const { rows: inserted } = await client.query<{ value: string }>(
      `INSERT INTO ${pg.escapeIdentifier(this.schema)}.${pg.escapeIdentifier(table)} (${names})
       SELECT ${names} FROM pg_temp.${quoted} ORDER BY ctid
       ON CONFLICT DO NOTHING RETURNING ${pg.escapeIdentifier(returning)}::text AS value`,
    );
    const { rows: sent } = await client.query<{ count: number }>(`SELECT count(*) FROM pg_temp.${quoted}`);
    this.duplicates += (sent[0]?.count ?? 0) - inserted.length;
    await client.query(`TRUNCATE pg_temp.${quoted}`);
    return new Set(inserted.map((row) => row.value));
  }
}
