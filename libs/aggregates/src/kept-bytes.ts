import type { ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Existing } from "./state-tables.js";

/** Adds what the changes keep more, or less, than before to their namespaces' sums: a table (namespace, bytes). */
export async function addKeptBytes<State extends { phase: string }>(
  tx: ReadModelTransaction,
  table: string,
  changes: readonly Existing<State>[],
  bytesOf: (state: State) => number,
): Promise<void> {
  const added = new Map<string, number>();
  for (const { namespace, before, after } of changes) {
    const more = bytesOf(after.state) - bytesOf(before);
    if (more !== 0) added.set(namespace, (added.get(namespace) ?? 0) + more);
  }
  if (added.size === 0) return;
  await sql`
    INSERT INTO ${sql.table(table)} AS s (namespace, bytes)
    SELECT * FROM unnest(${[...added.keys()]}::text[], ${[...added.values()]}::bigint[])
    ON CONFLICT (namespace) DO UPDATE SET bytes = s.bytes + excluded.bytes`.execute(tx.db);
}
