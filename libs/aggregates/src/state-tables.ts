import type { AggregateId } from "@fieldlog/contracts";
import { type Decider, fold, type Snapshot } from "@fieldlog/decider";
import type { LogRecord, ReadModelTransaction } from "@fieldlog/read-model";
import { type Kysely, sql } from "kysely";
import type { Decided } from "./decided.js";
import { type Id, inTime } from "./snapshots.js";

/** A read model's own table in which states stand: with `namespace`, `sequence` (bigint) and `state` (json). */
export interface StateTable {
  readonly name: string;
  /** The column of the aggregate's id. Default "id". */
  readonly id?: string;
}

/** By kind of aggregate. */
export type StateTables = ReadonlyMap<string, StateTable>;

/** Of whichever service: its own tables are none of this package's types. */
type Columns = Record<string, unknown> & { namespace: string; sequence: number };

/** What decisions start from; undefined: there is none (yet). Raises SnapshotsUnavailable after at most 2 s. */
export async function loadState<State>(
  { db }: { readonly db: unknown },
  tables: StateTables,
  { kind }: Decider<State>,
  { namespace, id }: Id,
): Promise<Snapshot<State> | undefined> {
  const { name, id: column = "id" } = tableOf(tables, kind);
  const query = (db as Kysely<Record<string, Columns>>)
    .selectFrom(name)
    .select(["sequence", "state"])
    .where("namespace", "=", namespace)
    .where(column, "=", id);
  const row = await inTime(query.executeTakeFirst());
  return row && { sequence: row.sequence, state: row["state"] as State };
}

/** An aggregate before and after the records of one call. */
export interface Folded<State> {
  readonly namespace: string;
  readonly id: string;
  readonly before: State;
  readonly after: Snapshot<State>;
}

/**
 * Folds the decisions on aggregates of one kind, among the records, into the states that the table has. Returns each
 * aggregate that they are about, in the order in which they come; to write the states is left to the caller.
 *
 * @param each is told of every decision, in order, with the state before it and after
 */
export async function folded<State>(
  tx: ReadModelTransaction,
  decider: Decider<State>,
  tables: StateTables,
  records: readonly LogRecord<Decided>[],
  each: (decided: Decided, before: State, after: State) => void = () => undefined,
): Promise<Folded<State>[]> {
  const decisions = records.map(({ value }) => value).filter(({ id }) => id.kind === decider.kind);
  if (decisions.length === 0) return [];
  const ids = new Map(decisions.map(({ id }) => [keyOf(id), id]));
  const stored = await storedStates<State>(tx, tableOf(tables, decider.kind), [...ids.values()]);
  const states = new Map(stored);
  for (const decided of decisions) {
    const key = keyOf(decided.id);
    const before = states.get(key) ?? { state: decider.initial, sequence: 0 };
    const after = fold(decider, before, decided.sequence, decided.decision);
    states.set(key, after);
    each(decided, before.state, after.state);
  }
  return [...ids].map(([key, { namespace, id }]) => {
    const after = states.get(key) as Snapshot<State>;
    return { namespace, id, before: stored.get(key)?.state ?? decider.initial, after };
  });
}

export type Existing<State> = Folded<State> & { readonly made: Exclude<State, { phase: "none" }> };

/** Those that exist: the first decision on each makes it. */
export function existing<State extends { phase: string }>(
  changes: readonly Folded<State>[],
): Existing<State>[] {
  return changes.flatMap((change) => {
    const { state } = change.after;
    return state.phase === "none" ? [] : [{ ...change, made: state as Existing<State>["made"] }];
  });
}

async function storedStates<State>(
  tx: ReadModelTransaction,
  { name, id: column = "id" }: StateTable,
  ids: readonly AggregateId[],
): Promise<ReadonlyMap<string, Snapshot<State>>> {
  const { rows } = await sql<Id & Snapshot<State>>`
    SELECT namespace, ${sql.ref(column)} AS id, sequence, state FROM ${sql.table(`${tx.schema}.${name}`)}
      JOIN unnest(${ids.map(({ namespace }) => namespace)}::text[], ${ids.map(({ id }) => id)}::text[])
        AS named (namespace, ${sql.ref(column)})
     USING (namespace, ${sql.ref(column)})`.execute(tx.db);
  return new Map(rows.map((row) => [keyOf(row), row]));
}

function keyOf({ namespace, id }: Id): string {
  return `${namespace}\0${id}`;
}

function tableOf(tables: StateTables, kind: string): StateTable {
  const table = tables.get(kind);
  if (table === undefined) throw new TypeError(`no table of ${kind}`);
  return table;
}
