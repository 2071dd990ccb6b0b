import { type AggregateId, CLEARED_KINDS, ERASED_KINDS, REGISTRY } from "@fieldlog/contracts";
import { type Decider, fold, type Snapshot } from "@fieldlog/decider";
import type { ClearedPart } from "@fieldlog/event-log";
import type { LogRecord, ReadModelDefinition, ReadModelTransaction } from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";
import { type Decided, decidedIn } from "./decided.js";
import { fromJson, toJson } from "./plain.js";

/** A kind of aggregate whose states are kept. */
export interface SnapshotKind<State> {
  readonly decider: Decider<State>;
  /** Other names by which it is found (`Snapshots.find`), as of this state. Default: none. */
  keys?(state: State, id: AggregateId): readonly string[];
}

/** A kind in a list of several: each has a state of its own. */
export type AnyKind = SnapshotKind<unknown>;

export interface SnapshotModelOptions {
  /** To be raised when a kind's `evolve`, its state's fields or its `keys` change. */
  readonly version: number;
  readonly kinds: readonly AnyKind[];
}

/** Columns of `aggregates`: one row is one aggregate, as of its decision at `sequence`. */
export interface AggregateRow {
  namespace: string;
  kind: string;
  id: string;
  sequence: number;
  /** Of the read model that wrote the row: a state of another one is not to be read. */
  version: number;
  state: string;
}

/** Columns of `aggregate_keys`. */
export interface AggregateKeyRow {
  kind: string;
  key: string;
  namespace: string;
  id: string;
}

export interface SnapshotTables {
  aggregates: AggregateRow;
  aggregate_keys: AggregateKeyRow;
}

/** The read model from which a service's decisions start: the state of each aggregate of its kinds. */
export function snapshotModel({ version, kinds }: SnapshotModelOptions): ReadModelDefinition<Decided> {
  const byKind = new Map<string, AnyKind>(kinds.map((kind) => [kind.decider.kind, kind]));
  return {
    name: "aggregates",
    version,
    stream: REGISTRY,
    tables: ["aggregates", "aggregate_keys"],
    create: createTables,
    decode: (commit) => decidedIn(commit, byKind),
    apply: (tx, records) => apply(tx, records, byKind, version),
    clear: { rows: clearRows, takes: ({ device }, key) => takes(device, key) },
  };
}

/** Only of the kinds that a clearing takes with it: what a namespace is, who may use it and its keys stay. */
async function clearRows(tx: ReadModelTransaction, { namespace, device }: ClearedPart): Promise<void> {
  const kinds = device === undefined ? CLEARED_KINDS : ERASED_KINDS;
  const own = device === undefined ? sql`` : sql` and id = ${device}`;
  for (const table of ["aggregates", "aggregate_keys"]) {
    await sql`
      delete from ${sql.table(`${tx.schema}.${table}`)}
      where namespace = ${namespace} and kind = any(${kinds}::text[])${own}`.execute(tx.db);
  }
}

/** Whether what is parked under the key of an aggregate goes. What could not be decoded waits for an operator. */
function takes(device: string | undefined, key: string): boolean {
  if (device === undefined) return CLEARED_KINDS.some((kind) => key.startsWith(`${kind}/`));
  return ERASED_KINDS.some((kind) => key === `${kind}/${device}`);
}

async function createTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("aggregates")
    .addColumn("namespace", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("version", "integer", (column) => column.notNull())
    // Not jsonb: that cannot hold every text that a state may.
    .addColumn("state", "json", (column) => column.notNull())
    .addPrimaryKeyConstraint("aggregates_pk", ["namespace", "kind", "id"])
    .execute();
  await db.schema
    .createTable("aggregate_keys")
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("key", "text", (column) => column.notNull())
    .addColumn("namespace", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("aggregate_keys_pk", ["kind", "key", "namespace", "id"])
    .execute();
  await db.schema
    .createIndex("aggregate_keys_of_aggregate")
    .on("aggregate_keys")
    .columns(["namespace", "kind", "id"])
    .execute();
}

async function apply(
  tx: ReadModelTransaction,
  records: readonly LogRecord<Decided>[],
  kinds: ReadonlyMap<string, AnyKind>,
  version: number,
): Promise<void> {
  const touched = new Map(records.map(({ value: { id } }) => [rowKey(id), id]));
  const states = await loadStates(tx, [...touched.values()]);
  for (const { value } of records) {
    const { decider } = kinds.get(value.id.kind) as AnyKind;
    const before = states.get(rowKey(value.id)) ?? { state: decider.initial, sequence: 0 };
    states.set(rowKey(value.id), fold(decider, before, value.sequence, value.decision));
  }
  const rows = [...touched].map(([key, id]) => ({ id, ...(states.get(key) as Snapshot<unknown>) }));
  await writeStates(tx, rows, version);
  await writeKeys(tx, rows, kinds);
}

function rowKey({ namespace, kind, id }: AggregateId): string {
  return JSON.stringify([namespace, kind, id]);
}

async function loadStates(tx: ReadModelTransaction, ids: readonly AggregateId[]) {
  const { rows } = await sql<AggregateId & { sequence: number; state: string }>`
    select namespace, kind, id, sequence, state::text as state
    from ${sql.table(`${tx.schema}.aggregates`)}
    join ${unnested(ids)} using (namespace, kind, id)`.execute(tx.db);
  return new Map<string, Snapshot<unknown>>(
    rows.map((row) => [rowKey(row), { sequence: row.sequence, state: fromJson(row.state) }]),
  );
}

type Row = { readonly id: AggregateId } & Snapshot<unknown>;

async function writeStates(tx: ReadModelTransaction, rows: readonly Row[], version: number): Promise<void> {
  const sequences = rows.map(({ sequence }) => sequence);
  const states = rows.map(({ state }) => toJson(state));
  await sql`
    insert into ${sql.table(`${tx.schema}.aggregates`)} (namespace, kind, id, sequence, state, version)
    select *, ${version}::integer from unnest(
      ${rows.map(({ id }) => id.namespace)}::text[], ${rows.map(({ id }) => id.kind)}::text[],
      ${rows.map(({ id }) => id.id)}::text[], ${sequences}::bigint[], ${states}::json[])
    on conflict (namespace, kind, id) do update
    set sequence = excluded.sequence, state = excluded.state, version = excluded.version`.execute(tx.db);
}

async function writeKeys(
  tx: ReadModelTransaction,
  rows: readonly Row[],
  kinds: ReadonlyMap<string, AnyKind>,
): Promise<void> {
  const keyed = rows.filter(({ id }) => kinds.get(id.kind)?.keys);
  if (keyed.length === 0) return;
  const table = sql.table(`${tx.schema}.aggregate_keys`);
  await sql`
    delete from ${table} as old using ${unnested(keyed.map(({ id }) => id))}
    where (old.namespace, old.kind, old.id) = (named.namespace, named.kind, named.id)`.execute(tx.db);
  const keys = keyed.flatMap(({ id, state }) =>
    (kinds.get(id.kind)?.keys?.(state, id) ?? []).map((key) => ({ ...id, key })),
  );
  await sql`
    insert into ${table} (kind, key, namespace, id)
    select * from unnest(
      ${keys.map(({ kind }) => kind)}::text[], ${keys.map(({ key }) => key)}::text[],
      ${keys.map(({ namespace }) => namespace)}::text[], ${keys.map(({ id }) => id)}::text[])`.execute(tx.db);
}

/** The ids as a table `named`. */
function unnested(ids: readonly AggregateId[]) {
  return sql`unnest(
    ${ids.map(({ namespace }) => namespace)}::text[], ${ids.map(({ kind }) => kind)}::text[],
    ${ids.map(({ id }) => id)}::text[]) as named (namespace, kind, id)`;
}
