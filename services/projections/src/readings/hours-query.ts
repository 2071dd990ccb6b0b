import { sql } from "kysely";
import type { Database } from "./page.js";

export interface AverageFound {
  readonly attribute: string;
  readonly hour: Date;
  readonly average: number;
}

/** Of hours that begin at or after `from`, by attribute, then hour. */
export async function hourlyAverages(
  { db, schema }: Database,
  namespace: string,
  device: string,
  from: Date,
): Promise<AverageFound[]> {
  const { rows } = await sql<AverageFound>`
    SELECT attribute, hour, sum / count AS average
      FROM ${sql.id(schema, "measurement_hours")}
     WHERE namespace = ${namespace} AND device = ${device} AND hour >= ${from}
     ORDER BY attribute, hour`.execute(db);
  return rows;
}

export interface LatestFound {
  readonly attribute: string;
  readonly value: number;
  readonly seconds: number;
}

/** The value of the newest time of each attribute, by attribute. */
export async function latestValues(
  { db, schema }: Database,
  namespace: string,
  device: string,
): Promise<LatestFound[]> {
  // From attribute to attribute by the key, and of each only the last hour.
  const hours = sql`FROM ${sql.id(schema, "measurement_hours")}
     WHERE namespace = ${namespace} AND device = ${device}`;
  const { rows } = await sql<LatestFound>`
    WITH RECURSIVE named (attribute) AS (
      (SELECT attribute ${hours} ORDER BY attribute LIMIT 1)
      UNION ALL
      SELECT (SELECT attribute ${hours} AND attribute > named.attribute ORDER BY attribute LIMIT 1)
        FROM named WHERE named.attribute IS NOT NULL
    )
    SELECT attribute, value, seconds
      FROM named, LATERAL (
        SELECT last_value AS value, last_seconds AS seconds ${hours} AND attribute = named.attribute
         ORDER BY hour DESC LIMIT 1
      ) AS newest
     ORDER BY attribute`.execute(db);
  return rows;
}

export interface CountFound {
  readonly device: string;
  readonly begin: Date;
  readonly count: number;
}

/** How many values each device reported in spans of 4 hours that begin at or after `from`; by device, then begin. */
export async function countValues(
  { db, schema }: Database,
  namespace: string,
  from: Date,
): Promise<CountFound[]> {
  const { rows } = await sql<CountFound>`
    SELECT device, begin, sum(count)::bigint AS count
      FROM ${sql.id(schema, "measurement_hours")},
           date_bin('4 hours', hour, timestamptz '1970-01-01Z') AS begin
     WHERE namespace = ${namespace} AND hour >= ${from} AND begin >= ${from}
     GROUP BY device, begin
     ORDER BY device, begin`.execute(db);
  return rows;
}
