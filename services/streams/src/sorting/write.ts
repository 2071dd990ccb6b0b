import { type Kysely, sql } from "kysely";
import type { Changes } from "./sort.js";
import type { StreamTables } from "./tables.js";

type Db = Kysely<StreamTables>;
/** Columns of a table with their types, each with what it takes from a row. */
type Columns<R> = readonly (readonly [name: string, type: string, of: (row: R) => unknown])[];

/** Writes a pull's rows, a statement for each kind of them. */
export async function write(db: Db, changes: Changes): Promise<void> {
  await insert(db, "stream_batches", BATCHES, changes.batches);
  await insert(db, "stream_messages", MESSAGES, changes.messages);
  await insert(db, "stream_parts", PARTS, changes.parts);
  await insert(db, "stream_dead_letters", DEAD, changes.dead);
  await changeMessages(db, [...changes.changed.values()]);
  await completeBatches(db, changes.completed);
  await keepCursors(db, [...changes.cursors.values()]);
}

const PLACE = [
  ["namespace", "text", (row: Placed) => row.namespace],
  ["grp", "text", (row: Placed) => row.grp],
  ["stream", "text", (row: Placed) => row.stream],
  ["device", "text", (row: Placed) => row.device],
] as const;
type Placed = Pick<Changes["batches"][number], "namespace" | "grp" | "stream" | "device">;

const BATCHES: Columns<Changes["batches"][number]> = [
  ...PLACE,
  ["number", "bigint", (row) => row.number],
  ["id", "text", (row) => row.id],
  ["concatenation", "text", (row) => row.concatenation],
  ["begun_at", "timestamptz", (row) => row.begun_at],
];
const MESSAGES: Columns<Changes["messages"][number]> = [
  ...PLACE,
  ["position", "bigint", (row) => row.position],
  ["batch", "bigint", (row) => row.batch],
  ["batch_id", "text", (row) => row.batch_id],
  ["slice", "text", (row) => row.slice],
  ["id", "text", (row) => row.id],
  ["site", "text", (row) => row.site],
  ["complete", "boolean", (row) => row.complete],
  ["chunks", "integer", (row) => row.chunks],
  ["received_at", "timestamptz", (row) => row.received_at],
];
const PARTS: Columns<Changes["parts"][number]> = [
  ["namespace", "text", (row) => row.namespace],
  ["position", "bigint", (row) => row.position],
  ["device", "text", (row) => row.device],
  ["message", "bigint", (row) => row.message],
  ["identity", "text", (row) => row.identity],
  ["chunk", "text", (row) => row.chunk],
  ["encoding", "text", (row) => row.encoding],
  ["external", "text", (row) => row.external],
  ["payload", "bytea", (row) => asBuffer(row.payload)],
];
const DEAD: Columns<Changes["dead"][number]> = [
  ...PLACE,
  ["position", "bigint", (row) => row.position],
  ["reason", "text", (row) => row.reason],
  ["external", "text", (row) => row.external],
  ["bytes", "bigint", (row) => row.bytes],
  ["received_at", "timestamptz", (row) => row.received_at],
];

/** As a list of them is sent. */
function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function rowsOf<R>(columns: Columns<R>, rows: readonly R[]) {
  return sql.join(columns.map(([, type, of]) => sql`${rows.map(of)}::${sql.raw(type)}[]`));
}

async function insert<R>(db: Db, table: string, columns: Columns<R>, rows: readonly R[]): Promise<void> {
  if (rows.length === 0) return;
  const names = sql.join(columns.map(([name]) => sql.ref(name)));
  await sql`INSERT INTO ${sql.table(table)} (${names}) SELECT * FROM unnest(${rowsOf(columns, rows)})`.execute(
    db,
  );
}

type Changed = Changes["changed"] extends Map<string, infer V> ? V : never;
const CHANGED: Columns<Changed> = [
  ["namespace", "text", (row) => row.namespace],
  ["position", "bigint", (row) => row.position],
  ["complete", "boolean", (row) => row.complete],
  ["chunks", "integer", (row) => row.chunks],
];

async function changeMessages(db: Db, rows: readonly Changed[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    UPDATE stream_messages m SET complete = k.complete, chunks = k.chunks
    FROM unnest(${rowsOf(CHANGED, rows)}) AS k(namespace, position, complete, chunks)
    WHERE m.namespace = k.namespace AND m.position = k.position`.execute(db);
}

type Completed = Changes["completed"][number];
const COMPLETED: Columns<Completed> = [
  ["namespace", "text", (row) => row.namespace],
  ["number", "bigint", (row) => row.number],
  ["at", "timestamptz", (row) => new Date(row.at)],
];

/** What had not come whole by then will not. */
async function completeBatches(db: Db, rows: readonly Completed[]): Promise<void> {
  if (rows.length === 0) return;
  const completed = sql`unnest(${rowsOf(COMPLETED, rows)}) AS k(namespace, number, at)`;
  await sql`
    UPDATE stream_batches b SET completed_at = k.at FROM ${completed}
    WHERE b.namespace = k.namespace AND b.number = k.number`.execute(db);
  await sql`
    UPDATE stream_messages m SET complete = true FROM ${completed}
    WHERE m.namespace = k.namespace AND m.batch = k.number AND m.object IS NULL AND NOT m.complete`.execute(
    db,
  );
}

type Kept = Changes["cursors"] extends Map<string, infer V> ? V : never;
const CURSORS: Columns<Kept> = [
  ["namespace", "text", ({ place }) => place.namespace],
  ["grp", "text", ({ place }) => place.definition.group],
  ["stream", "text", ({ place }) => place.definition.stream],
  ["device", "text", ({ place }) => place.device],
  ["batch_sequence", "bigint", ({ cursor }) => cursor.batchSequence],
  ["open_number", "bigint", ({ cursor }) => cursor.open?.number ?? null],
  ["open_id", "text", ({ cursor }) => cursor.open?.id ?? null],
  ["message_sequence", "bigint", ({ cursor }) => cursor.open?.messageSequence ?? 0],
  ["open_messages", "integer", ({ cursor }) => cursor.open?.messages ?? 0],
];

/** Where everybody is now. */
async function keepCursors(db: Db, rows: readonly Kept[]): Promise<void> {
  if (rows.length === 0) return;
  const names = sql.join(CURSORS.map(([name]) => sql.ref(name)));
  await sql`
    INSERT INTO stream_cursors (${names}) SELECT * FROM unnest(${rowsOf(CURSORS, rows)})
    ON CONFLICT (namespace, grp, stream, device) DO UPDATE SET
      batch_sequence = excluded.batch_sequence, open_number = excluded.open_number, open_id = excluded.open_id,
      message_sequence = excluded.message_sequence, open_messages = excluded.open_messages`.execute(db);
}
