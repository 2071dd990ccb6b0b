import { sql } from "kysely";
import { type Database, direction, type PageAsked, rowsAsked } from "./page.js";

export interface MeasurementFound {
  readonly seconds: number;
  readonly revision: number | null;
  readonly attributes: readonly string[];
  readonly values: readonly number[];
}

/** Those of one time and revision are one; of an attribute that is in several of them, the last value to come. */
export async function pageOfMeasurements(
  { db, schema }: Database,
  asked: PageAsked,
): Promise<MeasurementFound[]> {
  const way = direction(asked);
  const { rows } = await sql<{ seconds: number; revision: number | null; found: object }>`
    SELECT seconds, revision, json_object_agg(attribute, value ORDER BY position, index, nr) AS found
      FROM ${sql.id(schema, "measurements")},
           unnest(attributes, values) WITH ORDINALITY AS pair (attribute, value, nr)
     WHERE ${rowsAsked(asked)}
     GROUP BY occurred_at, seconds, revision
     ORDER BY occurred_at ${way}, seconds ${way}, revision ${way}
     LIMIT ${asked.limit}`.execute(db);
  if (asked.previous) rows.reverse();
  return rows.map(({ seconds, revision, found }) => ({
    ...{ seconds, revision, attributes: Object.keys(found) },
    // JSON has no word for what is not finite; Postgres writes it as text.
    values: Object.values(found).map(Number),
  }));
}
