import { hash } from "node:crypto";
import { SIGNALS } from "@fieldlog/contracts";
import { dataOf, instant } from "@fieldlog/events";
import { geocellNumber } from "@fieldlog/geocells";
import type { ColumnValue, LogRecord, ReadModelDefinition } from "@fieldlog/read-model";
import { indexable, storable } from "../storable.js";
import { addActivity, summarize } from "./activity.js";
import { signalsOf } from "./decode.js";
import type { Reported, ReportedEvent } from "./reported.js";
import { createEventTables, indexEventTables } from "./tables.js";

const EVENT_COLUMNS = [
  "namespace",
  "position",
  "device",
  "identity",
  "type",
  "occurred_at",
  "received_at",
  "data",
  "action",
  "value",
  "place",
  "attributes",
  "data_bytes",
  "sensor",
  "sensor_type",
  "geocell",
  "issuer",
] as const;

/** Bytes. With the ids of device and namespace it fits into the 2,704 that an index takes. */
const LONGEST_IDENTITY = 1_800;

/**
 * What devices reported. Events and activity are one read model: whether an event is new is known only when
 * its row goes in, and a count that is kept with the rows cannot disagree with them.
 */
export const events: ReadModelDefinition<Reported> = {
  name: "events",
  // Raise it when the tables, `data` or the meaning of a column changes.
  version: 4,
  stream: SIGNALS,
  tables: ["events", "activity"],
  create: createEventTables,
  index: indexEventTables,
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
function eventRows(records: readonly LogRecord<Reported>[]): Iterable<readonly ColumnValue[]> {
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
      indexableIdentity(value.identity),
      indexable(storable(event.name)),
      instant(value.occurredAt),
      instant(value.receivedAt),
      ...detailsOf(value, event),
    ];
  }
}

/** The longest that doors let in is 1,625 bytes; of a longer one in an old log its hash tells it from others as well. */
function indexableIdentity(identity: string): string | null {
  if (identity.length * 3 <= LONGEST_IDENTITY || Buffer.byteLength(identity) <= LONGEST_IDENTITY) {
    return identity || null;
  }
  return hash("sha256", identity, "hex");
}

/** What stands in the columns from `data` on. */
function detailsOf(signal: Reported, event: ReportedEvent): ColumnValue[] {
  const { location } = signal;
  const data = dataOf(signal, event);
  const json = data !== undefined && "json" in data ? data.json : null;
  const bytes = data !== undefined && "bytes" in data ? data.bytes : null;
  return [
    json,
    optional(event.action),
    optional(event.value),
    optional(event.place),
    attributesJson(event),
    bytes,
    said(event.reading?.sensor),
    said(event.reading?.sensorType && indexable(event.reading.sensorType)),
    location && geocellNumber(location.latitude, location.longitude),
    said(event.issuer),
  ];
}

/** Null where it was not said, or is empty. */
function said(text: string | undefined): string | null {
  return text ? storable(text) : null;
}

function optional(text: string | undefined): string | null {
  return text === undefined ? null : storable(text);
}

function attributesJson(event: ReportedEvent): string | null {
  const { source, dataContentType, subject, dataSchema, extensions } = event;
  const given: Record<string, string> = { ...(isEmpty(extensions) ? undefined : extensions) };
  if (source !== "") given["source"] = source;
  if (dataContentType !== "") given["datacontenttype"] = dataContentType;
  if (subject !== "") given["subject"] = subject;
  if (dataSchema !== "") given["dataschema"] = dataSchema;
  if (isEmpty(given)) return null;
  return JSON.stringify(given, (_, value) =>
    typeof value === "string" ? storable(value).toWellFormed() : value,
  );
}

function isEmpty(given: object): boolean {
  for (const _ in given) return false;
  return true;
}
