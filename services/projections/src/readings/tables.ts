import { type Kysely, sql } from "kysely";
import { createOuterPartitions } from "./partitions.js";

/** What devices measured and logged, and what their measurements add up to. */
export interface ReadingTables {
  measurements: MeasurementRow;
  measurement_hours: HourRow;
  log_entries: LogEntryRow;
  reading_identities: IdentityRow;
}

/** Where something stands in the log and in time. */
interface Placed {
  namespace: string;
  device: string;
  /** By the device's clock, cut to milliseconds; a time outside of the years 1 to 9999 is the nearest inside. */
  occurred_at: Date;
  /** The same exactly as the device sent it: s since 1970 UTC. */
  seconds: number;
  /** Of the configuration in force, as the device says. */
  revision: number | null;
  /** When an edge took it. */
  received_at: Date;
  position: number;
  /** Among the elements of its message. */
  index: number;
}

/** One element of a measurements message. */
export interface MeasurementRow extends Placed {
  attributes: string[];
  /** As many as attributes. */
  values: number[];
}

export interface LogEntryRow extends Placed {
  /** "info", "warning", "error". */
  severity: string;
  /** Where `details` is not null, its subject. */
  message: string;
  details: string | null;
  /** It came as subject and details. */
  divided: boolean;
}

/** The values of one attribute of a device in one hour, by the device's clock. */
export interface HourRow {
  namespace: string;
  device: string;
  attribute: string;
  /** Its begin. */
  hour: Date;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** Of the newest time; of several with the same time the last one to come. */
  last_value: number;
  last_seconds: number;
  /** When an edge took the newest of them. */
  received_at: Date;
}

/** An identity that was applied: of messages with QoS 2, which is stored once. */
export interface IdentityRow {
  namespace: string;
  device: string;
  identity: string;
  position: number;
  received_at: Date;
}

export async function createReadingTables(db: Kysely<ReadingTables>): Promise<void> {
  await createPlaced(db, "measurements", sql`attributes text[] NOT NULL, values double precision[] NOT NULL`);
  await createPlaced(
    db,
    "log_entries",
    sql`severity text NOT NULL, message text NOT NULL, details text, divided boolean NOT NULL`,
  );
  await sql`
    CREATE TABLE measurement_hours (
      namespace text COLLATE "C" NOT NULL, device text COLLATE "C" NOT NULL,
      attribute text COLLATE "C" NOT NULL, hour timestamptz NOT NULL,
      count bigint NOT NULL, sum double precision NOT NULL,
      min double precision NOT NULL, max double precision NOT NULL,
      last_value double precision NOT NULL, last_seconds double precision NOT NULL,
      received_at timestamptz NOT NULL,
      PRIMARY KEY (namespace, device, attribute, hour)
    ) WITH (fillfactor = 50)`.execute(db);
  // The device as well, so that it does no harm where it is taken for finding the row of a key.
  await sql`CREATE INDEX measurement_hours_hour ON measurement_hours (namespace, hour, device)`.execute(db);
  await createAgeIndex(db, "measurement_hours");
  await sql`
    CREATE TABLE reading_identities (
      namespace text COLLATE "C" NOT NULL, device text COLLATE "C" NOT NULL,
      identity text COLLATE "C" NOT NULL, position bigint NOT NULL, received_at timestamptz NOT NULL,
      PRIMARY KEY (device, identity, namespace)
    )`.execute(db);
  await createAgeIndex(db, "reading_identities");
  await sql`
    CREATE VIEW measurement_values AS
    SELECT namespace, device, attribute, value, revision, occurred_at, seconds, received_at, position, index
      FROM measurements, unnest(attributes, values) AS pair (attribute, value)`.execute(db);
}

async function createPlaced(
  db: Kysely<ReadingTables>,
  table: "measurements" | "log_entries",
  columns: ReturnType<typeof sql>,
): Promise<void> {
  await sql`
    CREATE TABLE ${sql.id(table)} (
      namespace text COLLATE "C" NOT NULL, device text COLLATE "C" NOT NULL,
      occurred_at timestamptz NOT NULL, seconds double precision NOT NULL, revision bigint,
      received_at timestamptz NOT NULL, position bigint NOT NULL, index integer NOT NULL, ${columns}
    ) PARTITION BY RANGE (occurred_at)`.execute(db);
  await sql`
    CREATE INDEX ${sql.id(`${table}_device`)} ON ${sql.id(table)} (namespace, device, occurred_at)`.execute(
    db,
  );
  await createAgeIndex(db, table);
  await createOuterPartitions(db, table);
}

/** For retention: few bytes for many rows, and no hindrance to changing a row in place. */
async function createAgeIndex(db: Kysely<ReadingTables>, table: keyof ReadingTables): Promise<void> {
  await sql`
    CREATE INDEX ${sql.id(`${table}_age`)} ON ${sql.id(table)}
    USING brin (received_at) WITH (autosummarize = on)`.execute(db);
}
