import { instant } from "@fieldlog/events";
import type { LogRecord, ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Readings } from "./read.js";

type Record = LogRecord<Readings>;

/** The records without those whose identity has been applied before; most have none, and are each one of its own. */
export async function onlyNew(
  tx: ReadModelTransaction,
  records: readonly Record[],
): Promise<readonly Record[]> {
  const identified = records.filter(({ value }) => value.identity !== "");
  if (identified.length === 0) return records;
  const column = <V>(of: (record: Record) => V) => identified.map(of);
  const { rows } = await sql<{ position: number }>`
    INSERT INTO reading_identities (namespace, device, identity, position, received_at)
    SELECT * FROM unnest(
      ${column((one) => one.namespace)}::text[], ${column((one) => one.key)}::text[],
      ${column((one) => one.value.identity)}::text[], ${column((one) => one.position)}::bigint[],
      ${column((one) => instant(one.value.receivedAt))}::timestamptz[]
    )
    ON CONFLICT DO NOTHING RETURNING position`.execute(tx.db);
  const added = new Set(rows.map(({ position }) => position));
  tx.countDuplicates(identified.length - added.size);
  return records.filter(({ value, position }) => value.identity === "" || added.has(position));
}
