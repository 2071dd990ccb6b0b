import type { StateTables } from "@fieldlog/aggregates";
import { type Kysely, sql } from "kysely";
import { dataRequest, type MadeRequest } from "../decisions/data-request.js";
import { type MadeUpload, upload } from "../decisions/upload.js";

/** The service's schema in Postgres. */
export const SCHEMA = "offers";

/** What decisions start from. */
export const STATES: StateTables = new Map([
  [dataRequest.kind, { name: "data_requests" }],
  [upload.kind, { name: "uploads" }],
]);

/** Data requests and uploads as of their newest decisions: what decisions start from, and what is listed. */
export interface OfferTables {
  data_requests: DataRequestRow;
  uploads: UploadRow;
  stored_bytes: StoredBytesRow;
}

/** One row is one request. */
export interface DataRequestRow {
  namespace: string;
  id: string;
  /** Of its newest decision, in REGISTRY. */
  sequence: number;
  /** By which devices know it. */
  number: number;
  phase: string;
  device: string;
  expires_at: Date;
  /** Uploads that were stored for it. */
  uploads: number;
  state: MadeRequest;
}

/** One row is one offer that was accepted, and the reading that it became. */
export interface UploadRow {
  namespace: string;
  id: string;
  sequence: number;
  number: number;
  phase: string;
  device: string;
  sensor: string;
  /** The stretch; null where the offer does not say. */
  starts_at: Date | null;
  ends_at: Date | null;
  expires_at: Date;
  state: MadeUpload;
}

/** Bytes of a namespace's objects. */
export interface StoredBytesRow {
  namespace: string;
  bytes: number;
}

export async function createTables(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`CREATE TABLE data_requests (
      namespace text NOT NULL, id text NOT NULL, sequence bigint NOT NULL, number bigint NOT NULL,
      phase text NOT NULL, device text NOT NULL, expires_at timestamptz NOT NULL, uploads integer NOT NULL DEFAULT 0,
      state json NOT NULL, PRIMARY KEY (namespace, id))`,
    sql`CREATE UNIQUE INDEX data_requests_number ON data_requests (namespace, number)`,
    sql`CREATE INDEX data_requests_open ON data_requests (expires_at) WHERE phase = 'open'`,
    sql`CREATE TABLE uploads (
      namespace text NOT NULL, id text NOT NULL, sequence bigint NOT NULL, number bigint NOT NULL,
      phase text NOT NULL, device text NOT NULL, sensor text NOT NULL, starts_at timestamptz, ends_at timestamptz,
      expires_at timestamptz NOT NULL, state json NOT NULL, PRIMARY KEY (namespace, id))`,
    sql`CREATE UNIQUE INDEX uploads_number ON uploads (namespace, number)`,
    sql`CREATE INDEX uploads_device ON uploads (namespace, device, number)`,
    sql`CREATE INDEX uploads_under_way ON uploads (expires_at) WHERE phase IN ('offered', 'started')`,
    sql`CREATE TABLE stored_bytes (namespace text PRIMARY KEY, bytes bigint NOT NULL)`,
  ];
  for (const statement of statements) await statement.execute(db);
}
