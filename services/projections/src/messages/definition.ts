import { SIGNALS } from "@fieldlog/contracts";
import { instant } from "@fieldlog/events";
import type { ColumnValue, LogRecord, ReadModelDefinition, ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import { messageRecords } from "./decode.js";
import type { Published } from "./read.js";
import { createMessageTables } from "./tables.js";

type Record = LogRecord<Published>;

const COMMON = ["namespace", "position", "device", "topic", "payload", "publication", "received_at"] as const;

/** Plain messages, and the retained one of each topic. */
export const messages: ReadModelDefinition<Published> = {
  name: "messages",
  // Raise it when a table or the meaning of a column changes.
  version: 1,
  stream: SIGNALS,
  tables: ["messages", "retained"],
  create: createMessageTables,
  decode: messageRecords,
  async apply(tx, records) {
    if (records.length === 0) return;
    const added = await tx.copyNew("messages", [...COMMON, "identity"], rowsOf(records), "position");
    const isNew = ({ position }: Record) => added === "all" || added.has(String(position));
    // A message that is resent must not take the place of one that came after its first time.
    await retain(
      tx,
      records.filter((record) => record.value.retain && isNew(record)),
    );
  },
};

function rowsOf(records: readonly Record[]): Iterable<readonly ColumnValue[]> {
  return {
    *[Symbol.iterator]() {
      for (const record of records) yield [...commonOf(record), record.value.identity];
    },
  };
}

function commonOf({ namespace, position, key, value }: Record): readonly ColumnValue[] {
  const { topic, payload, publication, receivedAt } = value;
  return [namespace, position, key, topic, payload, publication, instant(receivedAt)];
}

/** The newest of each topic takes the place of what was there; one without payload leaves none (MQTT 5.0, 3.3.1.3). */
async function retain(tx: ReadModelTransaction, records: readonly Record[]): Promise<void> {
  if (records.length === 0) return;
  const newest = new Map(records.map((record) => [`${record.namespace}\0${record.value.topic}`, record]));
  const topics = [...newest.values()];
  await sql`
    DELETE FROM retained WHERE (namespace, topic) IN (
      SELECT * FROM unnest(${topics.map(({ namespace }) => namespace)}::text[],
                           ${topics.map(({ value }) => value.topic)}::text[]))`.execute(tx.db);
  const kept = topics.filter(({ value }) => value.payload.length > 0);
  await tx.copy(
    "retained",
    [...COMMON, "expires_at"],
    kept.map((record) => {
      const { expiresAt } = record.value;
      return [...commonOf(record), expiresAt === undefined ? null : instant(expiresAt)];
    }),
  );
}
