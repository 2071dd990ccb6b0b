import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, isMobile, positionOf, REGISTRY, registry, sequenceOf } from "@fieldlog/contracts";
import { instant } from "@fieldlog/events";
import { geocellNumber } from "@fieldlog/geocells";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { type JSONColumnType, type Kysely, sql } from "kysely";
import { type DeviceState, fold } from "./fold.js";

/** What devices are, as the registry has it. */
export interface DeviceTables {
  devices: DeviceRow;
}

export interface DeviceRow {
  namespace: string;
  id: string;
  dialect: string;
  registered_at: Date;
  /** REGISTRY sequence of its registration. */
  number: number;
  metadata: JSONColumnType<DeviceState["metadata"]>;
  sensors: JSONColumnType<DeviceState["sensors"]>;
  /** It is one that moves, by its `mobility`. */
  mobile: boolean;
  /** Where it is by its metadata: the bits of a geocell as an integer, 48 of them. */
  geocell: number | null;
}

/** Of the metadata: by what a device is found that nobody knows the id of. */
export const LOOKED_UP = ["name", "uuid", "legacyIdentifier"] as const;

export const devices: ReadModelDefinition<registry.Decision> = {
  name: "devices",
  // Raise it when the table or the meaning of a column changes.
  version: 4,
  stream: REGISTRY,
  tables: ["devices"],
  async create(db: Kysely<DeviceTables>) {
    const id = sql`text COLLATE "C"`;
    await db.schema
      .createTable("devices")
      .addColumn("namespace", id, (column) => column.notNull())
      .addColumn("id", id, (column) => column.notNull())
      .addColumn("dialect", "text", (column) => column.notNull())
      .addColumn("registered_at", "timestamptz", (column) => column.notNull())
      .addColumn("number", "bigint", (column) => column.notNull())
      .addColumn("metadata", "jsonb", (column) => column.notNull())
      .addColumn("sensors", "jsonb", (column) => column.notNull())
      .addColumn("mobile", "boolean", (column) => column.notNull())
      .addColumn("geocell", "bigint")
      .addPrimaryKeyConstraint("devices_pkey", ["namespace", "id"])
      .addUniqueConstraint("devices_number", ["namespace", "number"])
      .execute();
    // By their hash, since a text in a B-tree has a limit, and nobody asks for their order.
    for (const field of LOOKED_UP) {
      await sql`CREATE INDEX ON devices USING hash ((metadata ->> ${sql.lit(field)}))`.execute(db);
    }
  },
  decode({ subject, sequence, time, data }) {
    const { namespace, kind, id } = aggregateOf(subject);
    if (kind !== "device") return [];
    const value = fromBinary(registry.DecisionSchema, data);
    return [{ namespace, key: id, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    if (records.length === 0) return;
    const states = await statesBefore(tx, records);
    for (const { namespace, key, position, value } of records) {
      const at = `${namespace}\0${key}`;
      const { state: before, number = sequenceOf(position) } = states.get(at) ?? {};
      const state = fold(before, value);
      if (state ?? before) states.set(at, { namespace, id: key, number, state });
    }
    const changed = [...states.values()];
    await store(
      tx,
      changed.filter((one): one is Registered => one.state !== undefined),
    );
    await remove(
      tx,
      changed.filter((one) => one.state === undefined),
    );
  },
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["devices"], cleared, "id"),
    takes: ({ device }, key) => device === undefined || device === key,
  },
};

interface Stored {
  readonly namespace: string;
  readonly id: string;
  readonly number: number;
  /** Undefined: it was removed. */
  readonly state: DeviceState | undefined;
}

type Registered = Stored & { readonly state: DeviceState };

async function statesBefore(
  tx: ReadModelTransaction,
  records: readonly LogRecord<registry.Decision>[],
): Promise<Map<string, Stored>> {
  const { rows } = await sql<DeviceRow & { registered_at: Date } & Pick<DeviceState, "metadata" | "sensors">>`
    SELECT * FROM devices WHERE (namespace, id) IN (
      SELECT * FROM unnest(${records.map((one) => one.namespace)}::text[], ${records.map((one) => one.key)}::text[])
    )`.execute(tx.db);
  return new Map(
    rows.map(({ namespace, id, number, dialect, registered_at, metadata, sensors }) => [
      `${namespace}\0${id}`,
      { namespace, id, number, state: { dialect, registeredAt: registered_at.getTime(), metadata, sensors } },
    ]),
  );
}

async function store(tx: ReadModelTransaction, stored: readonly Registered[]): Promise<void> {
  if (stored.length === 0) return;
  const column = <V>(of: (one: Registered) => V) => stored.map(of);
  await sql`
    INSERT INTO devices (namespace, id, number, dialect, registered_at, metadata, sensors, mobile, geocell)
    SELECT * FROM unnest(
      ${column((one) => one.namespace)}::text[], ${column((one) => one.id)}::text[],
      ${column((one) => one.number)}::bigint[], ${column((one) => one.state.dialect)}::text[],
      ${column((one) => instant(one.state.registeredAt))}::timestamptz[],
      ${column((one) => JSON.stringify(one.state.metadata))}::jsonb[],
      ${column((one) => JSON.stringify(one.state.sensors))}::jsonb[],
      ${column(({ state }) => isMobile(state.metadata["mobility"] as string | undefined))}::boolean[],
      ${column(({ state }) => cellOf(state.metadata))}::bigint[]
    )
    ON CONFLICT (namespace, id) DO UPDATE SET
      dialect = excluded.dialect, registered_at = excluded.registered_at,
      metadata = excluded.metadata, sensors = excluded.sensors,
      mobile = excluded.mobile, geocell = excluded.geocell`.execute(tx.db);
}

function cellOf({ latitude, longitude }: DeviceState["metadata"]): number | null {
  return geocellNumber(Number(latitude ?? Number.NaN), Number(longitude ?? Number.NaN)) ?? null;
}

async function remove(tx: ReadModelTransaction, removed: readonly Stored[]): Promise<void> {
  if (removed.length === 0) return;
  await sql`
    DELETE FROM devices WHERE (namespace, id) IN (
      SELECT * FROM unnest(${removed.map((one) => one.namespace)}::text[], ${removed.map((one) => one.id)}::text[])
    )`.execute(tx.db);
}
