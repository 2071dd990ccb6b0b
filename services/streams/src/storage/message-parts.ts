import type { ReadDatabase } from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";
import { type MessageRow, type PartRow, type StreamTables, tableIn } from "../sorting/tables.js";
import { SMALL_BYTES } from "./packs.js";

type Db = Kysely<StreamTables>;
type Database = Pick<ReadDatabase<StreamTables>, "db" | "schema">;
type Message = Pick<MessageRow, "namespace" | "position">;

/** Chunks of a message that is looked at as a small one. */
const FEW = 16;
/** Parts of a large message that are read at once. */
const PARTS = 16;

/** The parts of those messages that are small as they came and all here, in order. */
export async function partsOfSmall(
  database: Database,
  messages: readonly MessageRow[],
): Promise<Map<string, PartRow[]>> {
  const found = new Map<string, PartRow[]>();
  const few = messages.filter(({ chunks }) => chunks <= FEW);
  if (few.length === 0) return found;
  const parts = tableIn(database, "stream_parts");
  const { rows } = await sql<PartRow>`
    SELECT p.* FROM unnest(${few.map(({ namespace }) => namespace)}::text[],
      ${few.map(({ position }) => position)}::bigint[]) AS k(namespace, position)
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(octet_length(t.payload)), 0) AS bytes, bool_and(t.external = '') AS here
      FROM ${parts} t WHERE t.namespace = k.namespace AND t.message = k.position
    ) s
    JOIN ${parts} p ON p.namespace = k.namespace AND p.message = k.position
    WHERE s.here AND s.bytes <= ${SMALL_BYTES}
    ORDER BY p.position`.execute(database.db);
  for (const part of rows) {
    const name = nameOf({ namespace: part.namespace, position: part.message });
    const own = found.get(name);
    if (own) own.push(part);
    else found.set(name, [part]);
  }
  return found;
}

/** Of the parts of a message, in order, some at a time. */
export async function* partsOf(db: Db, { namespace, position }: Message): AsyncGenerator<PartRow, void> {
  for (let after = 0; ; ) {
    const page = await db
      .selectFrom("stream_parts")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("message", "=", position)
      .where("position", ">", after)
      .orderBy("position")
      .limit(PARTS)
      .execute();
    yield* page;
    if (page.length < PARTS) return;
    after = Number(page.at(-1)?.position);
  }
}

/** Which of all messages it is. */
export function nameOf({ namespace, position }: Message): string {
  return `${namespace}/${position}`;
}
