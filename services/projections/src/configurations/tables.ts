import { type Kysely, sql } from "kysely";

/** What was decided about devices' configurations, their names, and how long data are kept. */
export interface ConfigurationTables {
  configurations: ConfigurationRow;
  device_names: DeviceNameRow;
  namespaces: NamespaceRow;
}

export interface ConfigurationRow {
  namespace: string;
  device: string;
  revision: number;
  /** JSON as the user wrote it. */
  value: string;
  created_at: Date;
  /** It was in SIGNALS, as a retained message to the device. */
  published_at: Date | null;
  /** The device's first answer, by its own clock: s since 1970 UTC. */
  acknowledged_seconds: number | null;
  /** When that answer was recorded. */
  received_at: Date | null;
  success: boolean | null;
}

/** A name that is reserved for one device; while a device is renamed it has two. */
export interface DeviceNameRow {
  namespace: string;
  name: string;
  device: string;
}

export interface NamespaceRow {
  id: string;
  name: string;
  /** Days after which read models forget; null: never. */
  measurement_days: number | null;
  log_days: number | null;
}

/** Days that log entries are kept where nobody has said otherwise. */
export const LOG_DAYS = 56;

export async function createConfigurationTables(db: Kysely<ConfigurationTables>): Promise<void> {
  await sql`
    CREATE TABLE configurations (
      namespace text COLLATE "C" NOT NULL, device text COLLATE "C" NOT NULL, revision bigint NOT NULL,
      value json NOT NULL, created_at timestamptz NOT NULL, published_at timestamptz,
      acknowledged_seconds double precision, received_at timestamptz, success boolean,
      PRIMARY KEY (namespace, device, revision)
    )`.execute(db);
  await sql`
    CREATE TABLE device_names (
      namespace text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, device text COLLATE "C" NOT NULL,
      PRIMARY KEY (namespace, name)
    )`.execute(db);
  await sql`
    CREATE TABLE namespaces (
      name text COLLATE "C" PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
      measurement_days bigint, log_days bigint DEFAULT ${sql.lit(LOG_DAYS)}
    )`.execute(db);
}
