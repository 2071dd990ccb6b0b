import type { StateTables } from "@fieldlog/aggregates";
import { type Kysely, sql } from "kysely";
import { type MadeModel, model } from "../models/model.js";
import { type MadeSample, sample } from "./sample.js";
import { type SampleContent, sampleContent } from "./sample-content.js";

/** What decisions start from. */
export const STATES: StateTables = new Map([
  [sample.kind, { name: "samples" }],
  [sampleContent.kind, { name: "sample_contents" }],
  [model.kind, { name: "models" }],
]);

/** What is stored, as of the newest decisions: what decisions start from, and what is searched. */
export interface SampleTables {
  samples: SampleRow;
  sample_contents: SampleContentRow;
  models: ModelRow;
  sample_bytes: SampleBytesRow;
}

/** One row is one sample, removed ones included. */
export interface SampleRow {
  namespace: string;
  id: string;
  /** Of its newest decision, in REGISTRY. */
  sequence: number;
  number: number;
  phase: string;
  category: string;
  label: string;
  device: string;
  sensor: string;
  sampling: string;
  /** The device whose key encrypts it; empty: the namespace's does. */
  key: string;
  signature: string;
  file_name: string;
  media_type: string;
  /** Hex. */
  sha256: string;
  bytes: number;
  length_ms: number;
  enabled: boolean;
  stored_at: Date;
  metadata: Record<string, string>;
  state: MadeSample;
}

/** One row is one content that was reserved. */
export interface SampleContentRow {
  namespace: string;
  id: string;
  sequence: number;
  state: SampleContent;
}

export interface ModelRow {
  namespace: string;
  id: string;
  sequence: number;
  version: number;
  phase: string;
  bytes: number;
  state: MadeModel;
}

/** Bytes of a namespace's samples and models. */
export interface SampleBytesRow {
  namespace: string;
  bytes: number;
}

export async function createTables(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`CREATE TABLE samples (
      namespace text NOT NULL, id text NOT NULL, sequence bigint NOT NULL, number bigint NOT NULL,
      phase text NOT NULL, category text NOT NULL, label text NOT NULL, device text NOT NULL, sensor text NOT NULL,
      sampling text NOT NULL, key text NOT NULL, signature text NOT NULL, file_name text NOT NULL, media_type text NOT NULL,
      sha256 text NOT NULL, bytes bigint NOT NULL, length_ms double precision NOT NULL, enabled boolean NOT NULL,
      stored_at timestamptz NOT NULL, metadata jsonb NOT NULL, state json NOT NULL, PRIMARY KEY (namespace, id))`,
    sql`CREATE UNIQUE INDEX samples_number ON samples (namespace, number)`,
    sql`CREATE INDEX samples_label ON samples (namespace, category, label, number) WHERE phase = 'stored'`,
    sql`CREATE INDEX samples_device ON samples (namespace, device, number) WHERE phase = 'stored'`,
    sql`CREATE INDEX samples_key ON samples (namespace, key) WHERE phase = 'stored'`,
    sql`CREATE INDEX samples_sha256 ON samples (namespace, sha256) WHERE phase = 'stored'`,
    sql`CREATE INDEX samples_sampling ON samples (namespace, sampling) WHERE sampling <> ''`,
    sql`CREATE INDEX samples_metadata ON samples USING gin (metadata jsonb_path_ops) WHERE phase = 'stored'`,
    sql`CREATE TABLE sample_contents (
      namespace text NOT NULL, id text NOT NULL, sequence bigint NOT NULL, state json NOT NULL,
      PRIMARY KEY (namespace, id))`,
    sql`CREATE TABLE models (
      namespace text NOT NULL, id text NOT NULL, sequence bigint NOT NULL, version integer NOT NULL,
      phase text NOT NULL, bytes bigint NOT NULL, state json NOT NULL, PRIMARY KEY (namespace, id))`,
    sql`CREATE UNIQUE INDEX models_version ON models (namespace, version)`,
    sql`CREATE TABLE sample_bytes (namespace text PRIMARY KEY, bytes bigint NOT NULL)`,
  ];
  for (const statement of statements) await statement.execute(db);
}
