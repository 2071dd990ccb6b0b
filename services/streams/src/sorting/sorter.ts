import type { ReadModelTransaction } from "@fieldlog/read-model";
import type { Kysely } from "kysely";
import { loadDefinitions, lookUp } from "./load.js";
import { type Arrived, Facts, sort } from "./sort.js";
import type { StreamTables } from "./tables.js";
import { write } from "./write.js";

/** Records that are sorted at once: what is looked up for them, and sorted again then, is bounded by it. */
const AT_ONCE = 2_048;

/** Sorts what came into the tables, within the transaction; the same rows result however it is cut into calls. @param schema of the live tables */
export async function sortInto(
  tx: Pick<ReadModelTransaction, "db">,
  records: readonly Arrived[],
  schema: string,
): Promise<void> {
  const db = tx.db as Kysely<StreamTables>;
  const namespaces = new Set(records.map(({ namespace }) => namespace));
  const definitions = await loadDefinitions(db, schema, [...namespaces]);
  for (let from = 0; from < records.length; from += AT_ONCE) {
    const some = records.slice(from, from + AT_ONCE);
    const facts = new Facts();
    let changes = sort(some, definitions, facts);
    while (!facts.areAllKnown) {
      await lookUp(db, facts);
      changes = sort(some, definitions, facts);
    }
    await write(db, changes);
  }
}
