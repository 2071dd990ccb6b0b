import type { Generated, JSONColumnType } from "kysely";
import { type Kysely, sql } from "kysely";

/** What devices reported, and what it adds up to for each. */
export interface EventTables {
  events: EventRow;
  activity: ActivityRow;
}

export interface EventRow {
  namespace: string;
  position: number;
  device: string;
  /** Null: nobody gave it one, so it is none of those that were sent again. */
  identity: string | null;
  type: string;
  occurred_at: Date;
  received_at: Date;
  /** As it came; null: there is none, or it is not JSON. */
  data: JSONColumnType<object> | null;
  action: string | null;
  value: string | null;
  place: string | null;
  /** source, subject, dataschema, datacontenttype and extensions, where they were given. */
  attributes: JSONColumnType<object> | null;
  /** Data that is not JSON. */
  data_bytes: Buffer | null;
  /** Of the reading that caused it. */
  sensor: string | null;
  sensor_type: string | null;
  /** Where it happened, if the device said so: the bits of a geocell as an integer, 48 of them. */
  geocell: number | null;
  /** Part of the platform that says so; null: the device. */
  issuer: string | null;
}

export interface ActivityRow {
  namespace: string;
  device: string;
  /** When an edge took the newest of its signals, resent ones included. */
  last_seen_at: Date;
  /** Rows of `events`. */
  event_count: Generated<number>;
  /** Of its last heartbeat. */
  status: Generated<string>;
  /** Of its last heartbeat that told any: [{ sensor, eventCount, windowS }]. */
  rates: Generated<JSONColumnType<object>>;
  /** Identities of its newest heartbeats, oldest first: by these a resent one is told. */
  recent_heartbeats: Generated<JSONColumnType<string[]>>;
  /** Where it was by its last heartbeat that told. */
  geocell: number | null;
}

// Ids are compared by their bytes: faster than by a language's order, and the same on every server.
const ID = sql`text COLLATE "C"`;

export async function createEventTables(db: Kysely<EventTables>): Promise<void> {
  await db.schema
    .createTable("events")
    .addColumn("namespace", ID, (column) => column.notNull())
    .addColumn("position", "bigint", (column) => column.notNull())
    .addColumn("device", ID, (column) => column.notNull())
    .addColumn("identity", ID)
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("occurred_at", "timestamptz", (column) => column.notNull())
    .addColumn("received_at", "timestamptz", (column) => column.notNull())
    // Not jsonb, which takes neither \u0000 nor half a surrogate pair, and keeps no order.
    .addColumn("data", "json")
    .addColumn("action", "text")
    .addColumn("value", "text")
    .addColumn("place", "text")
    .addColumn("attributes", "jsonb")
    .addColumn("data_bytes", "bytea")
    .addColumn("sensor", ID)
    .addColumn("sensor_type", "text")
    .addColumn("geocell", "bigint")
    .addColumn("issuer", "text")
    .addPrimaryKeyConstraint("events_pkey", ["namespace", "position"])
    // The device first: most rows differ in it, and the namespace need not be looked at.
    .addUniqueConstraint("events_identity", ["device", "identity", "namespace"])
    .execute();
  await db.schema
    .createTable("activity")
    .addColumn("namespace", ID, (column) => column.notNull())
    .addColumn("device", ID, (column) => column.notNull())
    .addColumn("last_seen_at", "timestamptz", (column) => column.notNull())
    .addColumn("event_count", "bigint", (column) => column.notNull().defaultTo(0))
    .addColumn("status", "text", (column) => column.notNull().defaultTo(""))
    .addColumn("rates", "jsonb", (column) => column.notNull().defaultTo("[]"))
    .addColumn("recent_heartbeats", "jsonb", (column) => column.notNull().defaultTo("[]"))
    .addColumn("geocell", "bigint")
    .addPrimaryKeyConstraint("activity_pkey", ["namespace", "device"])
    .execute();
  // Rows change with nearly every pull: room on their page keeps that from touching the index.
  await sql`ALTER TABLE activity SET (fillfactor = 50)`.execute(db);
}

/** What only queries need, and a column's unique index does not already give. */
export async function indexEventTables(db: Kysely<EventTables>): Promise<void> {
  await sql`CREATE INDEX IF NOT EXISTS events_device ON events (device, position)`.execute(db);
  // For who asks again and again for the newest of one name, as cred's clients do. Not of the commonest one, which
  // is found at the log's end anyhow, and comes in too fast for one more index.
  await sql`CREATE INDEX IF NOT EXISTS events_type ON events (namespace, type, position) WHERE type <> 'pick'`.execute(
    db,
  );
  // The same of sensors' types.
  await sql`CREATE INDEX IF NOT EXISTS events_sensor_type ON events (namespace, sensor_type, position)
    WHERE sensor_type <> 'accelerometer-3-axis'`.execute(db);
  // Few bytes for many rows, since events come nearly in the order of their times. Several ranges for each stretch of
  // rows: with one, a single wrong clock in it would make it fit nearly any window.
  await sql`CREATE INDEX IF NOT EXISTS events_occurred_at ON events
    USING brin (occurred_at timestamptz_minmax_multi_ops) WITH (autosummarize = on)`.execute(db);
  // Few rows: who became active or inactive, and when.
  await sql`CREATE INDEX IF NOT EXISTS events_liveness ON events (namespace, device, position) INCLUDE (type)
    WHERE issuer = 'liveness'`.execute(db);
}
