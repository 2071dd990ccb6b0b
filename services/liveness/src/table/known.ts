import { positionOf, REGISTRY } from "@fieldlog/contracts";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";
import {
  type Decided,
  type DeviceChange,
  decidedIn,
  followedBy,
  type NamespaceChange,
} from "../log/decisions.js";

export interface DeviceRow {
  namespace: string;
  device: string;
  dialect: string;
  mobile: boolean;
  /** Degrees. */
  latitude: number | null;
  longitude: number | null;
}

/** By name, as decisions on a namespace are; clearing it leaves them. */
export interface SettingsRow {
  name: string;
  id: string;
  heartbeat_s: number | null;
  inactive_after_s: number | null;
}

export interface KnownTables {
  devices: DeviceRow;
  settings: SettingsRow;
}

/** Which devices there are, and what namespaces say of liveness. */
export const known: ReadModelDefinition<Decided> = {
  name: "known",
  // Raise it when a table or the meaning of a column changes.
  version: 1,
  stream: REGISTRY,
  tables: ["devices", "settings"],
  async create(db: Kysely<KnownTables>) {
    const id = sql`text COLLATE "C"`;
    await db.schema
      .createTable("devices")
      .addColumn("namespace", id, (column) => column.notNull())
      .addColumn("device", id, (column) => column.notNull())
      .addColumn("dialect", "text", (column) => column.notNull())
      .addColumn("mobile", "boolean", (column) => column.notNull())
      .addColumn("latitude", "double precision")
      .addColumn("longitude", "double precision")
      .addPrimaryKeyConstraint("devices_pkey", ["namespace", "device"])
      .execute();
    await db.schema
      .createTable("settings")
      .addColumn("name", id, (column) => column.primaryKey())
      .addColumn("id", id, (column) => column.notNull())
      .addColumn("heartbeat_s", "bigint")
      .addColumn("inactive_after_s", "bigint")
      .execute();
  },
  decode(commit) {
    const value = decidedIn(commit);
    if (value === undefined) return [];
    const { sequence, time } = commit;
    const namespace = value.kind === "device" ? value.namespace : "";
    const key = value.kind === "device" ? value.device : value.name;
    return [{ namespace, key, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    await applyDevices(tx, records);
    for (const { value } of records) {
      if (value.kind === "namespace")
        for (const change of value.changes) await applyNamespace(tx, value.name, change);
    }
  },
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["devices"], cleared),
    takes: ({ device }, key) => device === undefined || device === key,
  },
};

async function applyDevices(tx: ReadModelTransaction, records: readonly LogRecord<Decided>[]): Promise<void> {
  const changes = new Map<string, { namespace: string; device: string; change: DeviceChange }>();
  for (const { value } of records) {
    if (value.kind !== "device") continue;
    const { namespace, device } = value;
    const at = `${namespace}\0${device}`;
    const before = changes.get(at)?.change;
    const change = before === undefined ? value.change : followedBy(before, value.change);
    changes.set(at, { namespace, device, change });
  }
  const of = (before: DeviceChange["before"]) =>
    [...changes.values()].filter((one) => one.change.before === before);
  await put(tx, of("registered"));
  await change(tx, of("kept"));
  await remove(tx, of("removed"));
}

type Changed = readonly { namespace: string; device: string; change: DeviceChange }[];

async function put(tx: ReadModelTransaction, changed: Changed): Promise<void> {
  if (changed.length === 0) return;
  await sql`
    INSERT INTO devices (namespace, device, dialect, mobile, latitude, longitude)
    SELECT namespace, device, coalesce(dialect, ''), coalesce(mobile, false), latitude, longitude
      FROM ${columns(changed)}
    ON CONFLICT (namespace, device) DO UPDATE SET dialect = excluded.dialect, mobile = excluded.mobile,
      latitude = excluded.latitude, longitude = excluded.longitude`.execute(tx.db);
}

async function change(tx: ReadModelTransaction, changed: Changed): Promise<void> {
  const some = changed.filter(({ change }) => Object.keys(change.traits).length > 0);
  if (some.length === 0) return;
  await sql`
    UPDATE devices SET mobile = coalesce(said.mobile, devices.mobile),
      latitude = coalesce(said.latitude, devices.latitude), longitude = coalesce(said.longitude, devices.longitude)
      FROM ${columns(some)}
     WHERE devices.namespace = said.namespace AND devices.device = said.device`.execute(tx.db);
}

async function remove(tx: ReadModelTransaction, changed: Changed): Promise<void> {
  if (changed.length === 0) return;
  await sql`
    DELETE FROM devices USING ${columns(changed)}
     WHERE devices.namespace = said.namespace AND devices.device = said.device`.execute(tx.db);
}

function columns(changed: Changed) {
  const of = <V>(get: (one: Changed[number]) => V | undefined) => changed.map((one) => get(one) ?? null);
  return sql`unnest(${of((one) => one.namespace)}::text[], ${of((one) => one.device)}::text[],
    ${of((one) => one.change.traits.dialect)}::text[], ${of((one) => one.change.traits.mobile)}::boolean[],
    ${of((one) => one.change.traits.latitude)}::float8[], ${of((one) => one.change.traits.longitude)}::float8[])
    AS said (namespace, device, dialect, mobile, latitude, longitude)`;
}

async function applyNamespace(
  tx: ReadModelTransaction,
  name: string,
  change: NamespaceChange,
): Promise<void> {
  if ("id" in change) {
    await sql`
      INSERT INTO settings (name, id) VALUES (${name}, ${change.id})
      ON CONFLICT (name) DO UPDATE SET id = excluded.id`.execute(tx.db);
    return;
  }
  const { heartbeatS = null, inactiveAfterS = null } = change.settings;
  await sql`
    UPDATE settings SET heartbeat_s = ${heartbeatS}, inactive_after_s = ${inactiveAfterS}
     WHERE name = ${name}`.execute(tx.db);
}
