import { type Kysely, sql } from "kysely";

/** The service's schema in Postgres; that of its first shard. */
export const SCHEMA = "streams";

/** A table, for SQL that no schema is put into. */
export function tableIn({ schema }: { readonly schema: string }, name: keyof StreamTables) {
  return sql.table(`${schema}.${name}`);
}

export interface StreamTables {
  stream_definitions: DefinitionRow;
  stream_cursors: CursorRow;
  stream_batches: BatchRow;
  stream_batch_files: BatchFileRow;
  stream_messages: MessageRow;
  stream_parts: PartRow;
  stream_dead_letters: DeadLetterRow;
}

export interface DefinitionRow {
  namespace: string;
  sequence: number;
  at: number;
  grp: string;
  stream: string;
  set: object | null;
}

/** Where a device is in a stream. */
export interface CursorRow {
  namespace: string;
  grp: string;
  stream: string;
  device: string;
  batch_sequence: number;
  /** The batch that is open, by its number; null: none is. */
  open_number: number | null;
  open_id: string | null;
  message_sequence: number;
  /** Messages of the batch that is open. */
  open_messages: number;
}

export interface BatchRow {
  namespace: string;
  /** Position of its first message. */
  number: number;
  grp: string;
  stream: string;
  device: string;
  id: string;
  concatenation: string;
  begun_at: Date;
  completed_at: Date | null;
  /** Told of as an event. */
  told: boolean;
}

/** A batch, or a slice of it, that is stored as a file. */
export interface BatchFileRow {
  namespace: string;
  number: number;
  device: string;
  /** Empty: of what is in none. */
  slice: string;
  bytes: number;
  sha256: Uint8Array;
}

export interface MessageRow {
  namespace: string;
  /** Of its first part. */
  position: number;
  batch: number;
  grp: string;
  stream: string;
  device: string;
  batch_id: string;
  slice: string;
  id: string;
  site: string;
  complete: boolean;
  /** Parts of it that came. */
  chunks: number;
  received_at: Date;
  /** The name under which it is read, once it is stored; empty: nothing could be. Bytes and hash of it. */
  object: string | null;
  bytes: number;
  sha256: Uint8Array | null;
}

/** What came of a message, one after the other. */
export interface PartRow {
  namespace: string;
  position: number;
  device: string;
  /** Of the message. */
  message: number;
  identity: string;
  chunk: string;
  encoding: string;
  external: string;
  /** Null once the message is an object. */
  payload: Uint8Array | null;
}

export interface DeadLetterRow {
  namespace: string;
  position: number;
  device: string;
  grp: string;
  stream: string;
  reason: string;
  /** The upload that is its payload; empty: the log has it. */
  external: string;
  bytes: number;
  received_at: Date;
}

export const TABLES = [
  ...["stream_cursors", "stream_batches", "stream_batch_files", "stream_messages", "stream_parts"],
  "stream_dead_letters",
] as const;

export async function createTables(db: Kysely<unknown>): Promise<void> {
  const statements = [
    sql`CREATE TABLE stream_cursors (
      namespace text NOT NULL, grp text NOT NULL, stream text NOT NULL, device text NOT NULL,
      batch_sequence bigint NOT NULL, open_number bigint, open_id text, message_sequence bigint NOT NULL,
      open_messages integer NOT NULL, PRIMARY KEY (namespace, grp, stream, device))`,
    sql`CREATE TABLE stream_batches (
      namespace text NOT NULL, number bigint NOT NULL, grp text NOT NULL, stream text NOT NULL, device text NOT NULL,
      id text NOT NULL, concatenation text NOT NULL, begun_at timestamptz NOT NULL, completed_at timestamptz,
      told boolean NOT NULL DEFAULT false, PRIMARY KEY (namespace, number))`,
    sql`CREATE UNIQUE INDEX stream_batches_id ON stream_batches (namespace, grp, stream, device, id)`,
    sql`CREATE INDEX stream_batches_told ON stream_batches (namespace, number) WHERE completed_at IS NOT NULL AND NOT told`,
    sql`CREATE TABLE stream_batch_files (
      namespace text NOT NULL, number bigint NOT NULL, device text NOT NULL, slice text NOT NULL,
      bytes bigint NOT NULL, sha256 bytea NOT NULL, PRIMARY KEY (namespace, number, slice))`,
    sql`CREATE TABLE stream_messages (
      namespace text NOT NULL, position bigint NOT NULL, batch bigint NOT NULL, grp text NOT NULL,
      stream text NOT NULL, device text NOT NULL, batch_id text NOT NULL, slice text NOT NULL, id text NOT NULL,
      site text NOT NULL, complete boolean NOT NULL, chunks integer NOT NULL, received_at timestamptz NOT NULL, object text,
      bytes bigint NOT NULL DEFAULT 0, sha256 bytea, PRIMARY KEY (namespace, position))`,
    sql`CREATE UNIQUE INDEX stream_messages_id ON stream_messages (namespace, grp, stream, device, batch_id, id)`,
    sql`CREATE INDEX stream_messages_batch ON stream_messages (namespace, batch, position)`,
    sql`CREATE INDEX stream_messages_open ON stream_messages (namespace, batch) WHERE object IS NULL`,
    sql`CREATE INDEX stream_messages_waiting ON stream_messages (position) WHERE complete AND object IS NULL`,
    sql`CREATE TABLE stream_parts (
      namespace text NOT NULL, position bigint NOT NULL, device text NOT NULL, message bigint NOT NULL,
      identity text NOT NULL, chunk text NOT NULL, encoding text NOT NULL, external text NOT NULL, payload bytea,
      PRIMARY KEY (namespace, position))`,
    sql`CREATE UNIQUE INDEX stream_parts_chunk ON stream_parts (namespace, message, chunk)`,
    sql`CREATE INDEX stream_parts_identity ON stream_parts (namespace, device, identity) WHERE identity <> ''`,
    sql`CREATE TABLE stream_dead_letters (
      namespace text NOT NULL, position bigint NOT NULL, device text NOT NULL, grp text NOT NULL, stream text NOT NULL,
      reason text NOT NULL, external text NOT NULL, bytes bigint NOT NULL, received_at timestamptz NOT NULL,
      PRIMARY KEY (namespace, position))`,
    ...["stream_parts", "stream_dead_letters"].map(
      (table) =>
        sql`CREATE INDEX ${sql.ref(`${table}_external`)} ON ${sql.ref(table)} (namespace, device, external) WHERE external <> ''`,
    ),
  ];
  for (const statement of statements) await statement.execute(db);
}
