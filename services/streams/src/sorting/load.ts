import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Cursor } from "./assign.js";
import { type Defined, Definitions } from "./definitions.js";
import type { Key, Known } from "./facts.js";
import type { Facts, HeldMessage } from "./sort.js";
import type { CursorRow, StreamTables } from "./tables.js";

type Db = Kysely<StreamTables>;

/** All that was decided on streams of the namespaces. @param schema of the live tables */
export async function loadDefinitions(
  db: Db,
  schema: string,
  namespaces: readonly string[],
): Promise<Map<string, Definitions>> {
  // Of another read model: while this one is built anew beside the live one, that one is where it always is.
  const rows = await db
    .withSchema(schema)
    .selectFrom("stream_definitions")
    .selectAll()
    .where("namespace", "=", sql<string>`any(${namespaces}::text[])`)
    .orderBy("sequence")
    .execute();
  const of = Map.groupBy(rows, ({ namespace }) => namespace);
  return new Map([...of].map(([namespace, own]) => [namespace, new Definitions(own.map(definedOf))]));
}

export function definedOf(row: StreamTables["stream_definitions"]): Defined {
  const { sequence, at, grp: group, stream, set } = row;
  return {
    ...{ sequence: Number(sequence), at: Number(at), group, stream },
    set: (set ?? undefined) as Defined["set"],
  };
}

/** Looks up what is missing: who comes from where first, because what else is asked depends on it. */
export async function lookUp(db: Db, facts: Facts): Promise<void> {
  const { identities, cursors, batches, messages, chunks } = facts;
  if (identities.missing.length + cursors.missing.length > 0) {
    await find(db, identities, { ...IDENTITY, value: () => true as const });
    await find(db, cursors, { ...PLACE, value: cursorOf });
    facts.forgetMissing();
    return;
  }
  await find(db, batches, { ...BATCH, value: () => true as const });
  await find(db, messages, { ...MESSAGE, value: heldOf });
  await find(db, chunks, { ...CHUNK, value: () => true as const });
}

interface Asked {
  readonly table: string;
  /** Of the key, in order, with their types. */
  readonly columns: readonly (readonly [name: string, type: "text" | "bigint"])[];
  readonly select: RawBuilder<unknown>;
  readonly and?: RawBuilder<unknown>;
}

const PLACE_COLUMNS = [
  ...[["namespace", "text"] as const, ["grp", "text"] as const],
  ...[["stream", "text"] as const, ["device", "text"] as const],
];
const IDENTITY: Asked = {
  table: "stream_parts",
  columns: [
    ["namespace", "text"],
    ["device", "text"],
    ["identity", "text"],
  ],
  select: sql`1`,
  // As the index says it.
  and: sql`AND t.identity <> ''`,
};
const PLACE: Asked = { table: "stream_cursors", columns: PLACE_COLUMNS, select: sql`t.*` };
const BATCH: Asked = {
  table: "stream_batches",
  columns: [...PLACE_COLUMNS, ["id", "text"]],
  select: sql`1`,
};
const MESSAGE: Asked = {
  table: "stream_messages",
  columns: [...PLACE_COLUMNS, ["batch_id", "text"], ["id", "text"]],
  select: sql`t.position, t.complete, t.chunks`,
};
const CHUNK: Asked = {
  table: "stream_parts",
  columns: [
    ["namespace", "text"],
    ["message", "bigint"],
    ["chunk", "text"],
  ],
  select: sql`1`,
};

/** One look into an index for each key, whatever the planner thinks of the table. */
async function find<R, V>(
  db: Db,
  known: Known<V>,
  { table, columns, select, and = sql``, value }: Asked & { readonly value: (row: R) => V },
): Promise<void> {
  const keys = known.missing;
  if (keys.length === 0) return;
  const arrays = columns.map(([, type], index) => sql`${keys.map((key) => key[index])}::${sql.raw(type)}[]`);
  const names = columns.map((_, index) => sql.ref(`c${index}`));
  const same = columns.map(([name], index) => sql`t.${sql.ref(name)} = k.${sql.ref(`c${index}`)}`);
  const { rows } = await sql<R & { n: number }>`
    SELECT f.*, k.n FROM unnest(${sql.join(arrays)}) WITH ORDINALITY AS k(${sql.join(names)}, n)
    CROSS JOIN LATERAL (
      SELECT ${select} FROM ${sql.table(table)} t WHERE ${sql.join(same, sql` AND `)} ${and} LIMIT 1
    ) f`.execute(db);
  known.add(rows.map((row) => [keys[Number(row.n) - 1] as Key, value(row)]));
}

function cursorOf(row: CursorRow): Cursor {
  const { open_number: number, open_id: id } = row;
  const batchSequence = Number(row.batch_sequence);
  if (number === null || id === null) return { batchSequence, open: undefined };
  const counts = { messageSequence: Number(row.message_sequence), messages: row.open_messages };
  return { batchSequence, open: { number: Number(number), id, ...counts } };
}

function heldOf({ position, complete, chunks }: HeldMessage): HeldMessage {
  return { position: Number(position), complete, chunks };
}
