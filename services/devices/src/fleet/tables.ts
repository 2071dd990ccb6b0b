import type { StateTables } from "@fieldlog/aggregates";
import { type Kysely, sql } from "kysely";
import type { PropertiesTables } from "../properties/tables.js";
import { type FleetTemplateState, fleetTemplate, type StepState } from "./fleet-template.js";

/** What decisions start from. */
export const STATES: StateTables = new Map([[fleetTemplate.kind, { name: "fleet_templates", id: "name" }]]);

/** Those of properties are read beside them. */
export interface FleetTables extends Pick<PropertiesTables, "device_properties"> {
  fleet_templates: FleetTemplateRow;
  fleet_devices: FleetDeviceRow;
}

/** One row is one template: what decisions start from. */
export interface FleetTemplateRow {
  namespace: string;
  name: string;
  /** Of its newest decision, in REGISTRY. */
  sequence: number;
  phase: FleetTemplateState["phase"];
  state: FleetTemplateState;
}

/** One row is one device that a template was brought to, by its newest revision there. */
export interface FleetDeviceRow {
  namespace: string;
  template: string;
  device: string;
  revision: number;
  state: StepState;
  error: string;
  /** Of the desired properties, that carries it; 0: it could not be wanted of the device. */
  version: number;
  changed_at: Date;
  /** Until when it may take it; null: it did, or failed. */
  due_at: Date | null;
}

export async function createTables(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`CREATE TABLE fleet_templates (
      namespace text NOT NULL, name text NOT NULL, sequence bigint NOT NULL, phase text NOT NULL, state json NOT NULL,
      PRIMARY KEY (namespace, name))`,
    sql`CREATE TABLE fleet_devices (
      namespace text NOT NULL, template text NOT NULL, device text NOT NULL, revision bigint NOT NULL,
      state text NOT NULL, error text NOT NULL, version bigint NOT NULL, changed_at timestamptz NOT NULL,
      due_at timestamptz, PRIMARY KEY (namespace, template, device))`,
    sql`CREATE INDEX fleet_devices_due ON fleet_devices (namespace, template, due_at) WHERE due_at IS NOT NULL`,
    sql`CREATE INDEX fleet_devices_device ON fleet_devices (namespace, device)`,
  ];
  for (const statement of statements) await statement.execute(db);
}
