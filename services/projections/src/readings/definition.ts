import { SIGNALS } from "@fieldlog/contracts";
import { instant, instantOfSeconds, millisOfSeconds } from "@fieldlog/events";
import type { ColumnValue, LogRecord, ReadModelDefinition, ReadModelTransaction } from "@fieldlog/read-model";
import { numberArray, textArray } from "../postgres-array.js";
import { readingRecords } from "./decode.js";
import { addHours, hourChanges } from "./hours.js";
import { onlyNew } from "./identities.js";
import { ensurePartitions, Spans } from "./partitions.js";
import type { Readings } from "./read.js";
import { createReadingTables } from "./tables.js";

type Record = LogRecord<Readings>;

const PLACED = ["namespace", "device", "occurred_at", "seconds", "revision"] as const;
const ARRIVED = ["received_at", "position", "index"] as const;
const MEASUREMENT_COLUMNS = [...PLACED, ...ARRIVED, "attributes", "values"] as const;
const LOG_ENTRY_COLUMNS = [...PLACED, ...ARRIVED, "severity", "message", "details", "divided"] as const;

/** What devices measured and logged. */
export const readings: ReadModelDefinition<Readings> = {
  name: "readings",
  // Raise it when a table or the meaning of a column changes.
  version: 1,
  stream: SIGNALS,
  tables: ["measurements", "log_entries", "measurement_hours", "reading_identities"],
  create: createReadingTables,
  decode: readingRecords,
  async apply(tx, records) {
    const added = await onlyNew(tx, records);
    if (await copyElements(tx, "measurements", added)) await addHours(tx, hourChanges(added));
    await copyElements(tx, "log_entries", added);
  },
};

/** True: there were some. */
async function copyElements(
  tx: ReadModelTransaction,
  table: "measurements" | "log_entries",
  records: readonly Record[],
): Promise<boolean> {
  const spans = new Spans();
  for (const { value } of records) {
    const elements = table === "measurements" ? value.measurements : value.entries;
    for (const { seconds } of elements) spans.add(millisOfSeconds(seconds));
  }
  const found = spans.all();
  if (found.length === 0) return false;
  await ensurePartitions(tx, table, found);
  if (table === "measurements") await tx.copy(table, MEASUREMENT_COLUMNS, measurementRows(records));
  else await tx.copy(table, LOG_ENTRY_COLUMNS, logEntryRows(records));
  return true;
}

/** Rows are made as they are sent: what lives only until then costs the garbage collector nothing. */
function* measurementRows(records: readonly Record[]): Generator<readonly ColumnValue[]> {
  for (const { namespace, key, position, value } of records) {
    const receivedAt = instant(value.receivedAt);
    for (const [index, { seconds, revision, attributes, values }] of value.measurements.entries()) {
      const place = [namespace, key, instantOfSeconds(seconds), seconds, revision];
      place.push(receivedAt, position, index, textArray(attributes), numberArray(values));
      yield place;
    }
  }
}

function* logEntryRows(records: readonly Record[]): Generator<readonly ColumnValue[]> {
  for (const { namespace, key, position, value } of records) {
    const receivedAt = instant(value.receivedAt);
    for (const [index, one] of value.entries.entries()) {
      yield [
        ...[namespace, key, instantOfSeconds(one.seconds), one.seconds, one.revision, receivedAt, position],
        ...[index, one.severity, one.message, one.details, one.divided],
      ];
    }
  }
}
