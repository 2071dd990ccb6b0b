import { SIGNALS } from "@fieldlog/contracts";
import { instant, readingsData } from "@fieldlog/events";
import type { ColumnValue, LogRecord, ReadModelDefinition } from "@fieldlog/read-model";
import { addActivity, summarize } from "./activity.js";
import { signalsOf } from "./decode.js";
import type { Reported } from "./reported.js";
import { createEventTables } from "./tables.js";

export const EVENT_COLUMNS = [
  "namespace",
  "position",
  "device",
  "identity",
  "type",
  "occurred_at",
  "received_at",
  "data",
] as const;

/**
 * What devices reported. Events and activity are one read model: whether an event is new is known only when
 * its row goes in, and a count that is kept with the rows cannot disagree with them.
 */
export const events: ReadModelDefinition<Reported> = {
  name: "events",
  // Raise it when the tables, `data` or the meaning of a column changes.
  version: 1,
  stream: SIGNALS,
  tables: ["events", "activity"],
  create: createEventTables,
  decode: signalsOf,
  async apply(tx, records) {
    const some = records.some(({ value }) => value.body.case === "event");
    const added = some ? await tx.copyNew("events", EVENT_COLUMNS, eventRows(records), "position") : "all";
    const isNew = (position: number) => added === "all" || added.has(String(position));
    await addActivity(tx, summarize(records, isNew));
  },
};

/**
 * The rows of `events` for the events among the signals. They are made as they are asked for, each time
 * anew: what lives only until it is sent costs the garbage collector nothing.
 */
export function eventRows(records: readonly LogRecord<Reported>[]): Iterable<readonly ColumnValue[]> {
  return { [Symbol.iterator]: () => rowsOf(records) };
}

function* rowsOf(records: readonly LogRecord<Reported>[]): Generator<readonly ColumnValue[]> {
  for (const { namespace, position, key, value } of records) {
    if (value.body.case !== "event") continue;
    const { value: event } = value.body;
    yield [
      namespace,
      position,
      key,
      value.identity,
      event.name,
      instant(value.occurredAt),
      instant(value.receivedAt),
      readingsData(value, event),
    ];
  }
}
