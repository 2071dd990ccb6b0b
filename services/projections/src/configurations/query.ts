import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { ConfigurationRow } from "./tables.js";

// biome-ignore lint/suspicious/noExplicitAny: each query names its tables itself
type Database = ReadDatabase<any>;

export type ConfigurationFound = Omit<ConfigurationRow, "namespace" | "device">;

/** In ascending order: with `previous` the last ones before the cursor (or of all), else the first ones after it. */
export async function pageOfConfigurations(
  { db, schema }: Database,
  asked: { namespace: string; device: string; previous: boolean; revision?: number; limit: number },
): Promise<ConfigurationFound[]> {
  const { namespace, device, previous, revision, limit } = asked;
  const order = previous ? sql`DESC` : sql`ASC`;
  const beyond = revision === undefined ? sql`` : sql`AND revision ${previous ? sql`<` : sql`>`} ${revision}`;
  const { rows } = await sql<ConfigurationFound>`
    SELECT revision, value::text, created_at, published_at, acknowledged_seconds, received_at, success
      FROM ${sql.id(schema, "configurations")}
     WHERE namespace = ${namespace} AND device = ${device} ${beyond}
     ORDER BY revision ${order} LIMIT ${limit}`.execute(db);
  if (previous) rows.reverse();
  return rows;
}

export interface NamedDeviceFound {
  readonly id: string;
  readonly name: string;
  readonly last_seen_at: Date | null;
}

export interface NamedDevicePage {
  readonly devices: NamedDeviceFound[];
  /** Name to go on after; absent: there is no more. */
  readonly next?: string;
}

/**
 * Devices by the name that is reserved for them and that they have; so one that is being renamed is there
 * once, and one that is removed is not.
 */
export async function pageOfNamedDevices(
  { db, schema }: Database,
  namespace: string,
  after: string,
  limit: number,
): Promise<NamedDevicePage> {
  const { rows } = await sql<NamedDeviceFound>`
    SELECT d.id, n.name, a.last_seen_at
      FROM ${sql.id(schema, "device_names")} AS n
      JOIN ${sql.id(schema, "devices")} AS d
        ON d.namespace = n.namespace AND d.id = n.device AND d.metadata->>'name' = n.name
      LEFT JOIN ${sql.id(schema, "activity")} AS a ON a.namespace = d.namespace AND a.device = d.id
     WHERE n.namespace = ${namespace} AND n.name > ${after}
     ORDER BY n.name LIMIT ${limit + 1}`.execute(db);
  const devices = rows.slice(0, limit);
  const next = devices.at(-1)?.name;
  return rows.length > limit && next !== undefined ? { devices, next } : { devices };
}
