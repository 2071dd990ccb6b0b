import type { StateTables } from "@fieldlog/aggregates";
import { type Kysely, sql } from "kysely";
import type { JsonObject } from "./json.js";
import { type Properties, properties } from "./properties.js";

/** What decisions start from. */
export const STATES: StateTables = new Map([[properties.kind, { name: "device_properties", id: "device" }]]);

export interface PropertiesTables {
  device_properties: DevicePropertiesRow;
  property_changes: PropertyChangeRow;
}

/** One row is one device: what decisions start from, and the tags by which devices are found. */
export interface DevicePropertiesRow {
  namespace: string;
  device: string;
  /** Of its newest decision, in REGISTRY. */
  sequence: number;
  tags: JsonObject;
  state: Properties;
}

/** One row is one change. */
export interface PropertyChangeRow {
  namespace: string;
  device: string;
  sequence: number;
  kind: string;
  version: number;
  /** JSON merge patch: what differs. */
  patch: JsonObject;
  /** All there is after it. */
  value: JsonObject;
  /** Version of the desired ones that the device had taken by then. */
  taken: number | null;
  changed_at: Date;
  changed_by: string;
  fleet_template: string;
}

export async function createTables(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`CREATE TABLE device_properties (
      namespace text NOT NULL, device text NOT NULL, sequence bigint NOT NULL, tags jsonb NOT NULL, state json NOT NULL,
      PRIMARY KEY (namespace, device))`,
    sql`CREATE INDEX device_properties_tags ON device_properties USING gin (tags jsonb_path_ops)`,
    sql`CREATE INDEX device_properties_sequence ON device_properties (namespace, sequence)`,
    sql`CREATE TABLE property_changes (
      namespace text NOT NULL, device text NOT NULL, sequence bigint NOT NULL, kind text NOT NULL,
      version bigint NOT NULL, patch json NOT NULL, value json NOT NULL, taken bigint, changed_at timestamptz NOT NULL,
      changed_by text NOT NULL, fleet_template text NOT NULL, PRIMARY KEY (namespace, device, sequence, kind))`,
  ];
  for (const statement of statements) await statement.execute(db);
}
