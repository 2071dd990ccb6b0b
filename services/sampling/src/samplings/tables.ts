import type { StateTables } from "@fieldlog/aggregates";
import { type Kysely, sql } from "kysely";
import { type DeviceSamplings, deviceSamplings, type Sampling } from "./device-samplings.js";

/** What decisions start from. */
export const STATES: StateTables = new Map([
  [deviceSamplings.kind, { name: "device_samplings", id: "device" }],
]);

/** What devices were asked to sample, as of the newest decisions. */
export interface SamplingsTables {
  device_samplings: DeviceSamplingsRow;
  samplings: SamplingRow;
}

/** One row is one device: what decisions start from. */
export interface DeviceSamplingsRow {
  namespace: string;
  device: string;
  /** Of its newest decision, in REGISTRY. */
  sequence: number;
  /** When the time decides something; null: never. */
  deadline: Date | null;
  /** Something waits, and the device is not known to be at another. */
  waiting: boolean;
  state: DeviceSamplings;
}

/** One row is one sampling: what is listed, and what uploads are matched with. */
export interface SamplingRow {
  namespace: string;
  id: string;
  number: number;
  device: string;
  phase: string;
  category: string;
  label: string;
  state: Sampling;
}

export async function createTables(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`CREATE TABLE device_samplings (
      namespace text NOT NULL, device text NOT NULL, sequence bigint NOT NULL, deadline timestamptz,
      waiting boolean NOT NULL, state json NOT NULL, PRIMARY KEY (namespace, device))`,
    sql`CREATE INDEX device_samplings_due ON device_samplings (deadline) WHERE deadline IS NOT NULL`,
    sql`CREATE INDEX device_samplings_waiting ON device_samplings (namespace, device) WHERE waiting`,
    sql`CREATE TABLE samplings (
      namespace text NOT NULL, id text NOT NULL, number bigint NOT NULL, device text NOT NULL, phase text NOT NULL,
      category text NOT NULL, label text NOT NULL, state json NOT NULL, PRIMARY KEY (namespace, id))`,
    sql`CREATE UNIQUE INDEX samplings_number ON samplings (namespace, number)`,
    sql`CREATE INDEX samplings_device ON samplings (namespace, device, number)`,
    sql`CREATE INDEX samplings_open ON samplings (namespace, number)
      WHERE phase IN ('queued', 'sent', 'accepted', 'started', 'processing', 'reading', 'uploading', 'finished')`,
  ];
  for (const statement of statements) await statement.execute(db);
}
