import { namespaceOfSignals, positionOf, SIGNALS } from "@fieldlog/contracts";
import { decodeBatch } from "@fieldlog/event-log";
import type { LogRecord, ReadModelDefinition } from "@fieldlog/read-model";
import type { Came } from "./came.js";
import { sortInto } from "./sorter.js";
import { createTables, SCHEMA, TABLES } from "./tables.js";

/**
 * What devices sent into streams, sorted. Raise `version` when a table or the way of sorting changes.
 *
 * @param decided resolves when the table of definitions has all that was decided by now: what came is sorted by what held
 *   then
 * @param schema of the live tables; default: that of the first shard
 */
export function sorting(decided: () => Promise<void>, schema = SCHEMA): ReadModelDefinition<Came> {
  return {
    name: "streams",
    version: 3,
    stream: SIGNALS,
    tables: TABLES,
    create: createTables,
    decode({ subject, sequence, time, data }) {
      const namespace = namespaceOfSignals(subject);
      const records: LogRecord<Came>[] = [];
      decodeBatch(data).forEach(({ device, identity, receivedAt, body }, index) => {
        if (body.case !== "streamMessage") return;
        const value = { device, identity, receivedAt: Number(receivedAt), message: body.value };
        records.push({ namespace, key: device, position: positionOf(sequence, index), time, value });
      });
      return records;
    },
    async apply(tx, records) {
      if (records.length === 0) return;
      await decided();
      await sortInto(tx, records, schema);
    },
  };
}
