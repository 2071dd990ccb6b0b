import { fromBinary } from "@bufbuild/protobuf";
import { type AggregateId, aggregateOf, positionOf, REGISTRY, registry } from "@fieldlog/contracts";
import { type Decider, fold, type Snapshot } from "@fieldlog/decider";
import type { ClearedPart } from "@fieldlog/event-log";
import { instant } from "@fieldlog/events";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { sql } from "kysely";
import { type DataRequest, dataRequest, type MadeRequest } from "../decisions/data-request.js";
import { type MadeUpload, type Upload, upload } from "../decisions/upload.js";
import { createTables } from "./tables.js";

interface Decided {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** Requests and uploads. Raise `version` when a table or a state changes. */
export const readModel: ReadModelDefinition<Decided> = {
  name: "offers",
  version: 2,
  stream: REGISTRY,
  tables: ["data_requests", "uploads", "stored_bytes"],
  create: createTables,
  decode({ subject, sequence, time, data }) {
    const id = aggregateOf(subject);
    if (id.kind !== dataRequest.kind && id.kind !== upload.kind) return [];
    const value = { id, sequence, decision: fromBinary(registry.DecisionSchema, data) };
    const { namespace } = id;
    return [{ namespace, key: `${id.kind}/${id.id}`, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    const of = (kind: string) => records.filter(({ value }) => value.id.kind === kind);
    await writeRequests(tx, await folded(tx, dataRequest, "data_requests", of(dataRequest.kind)));
    await writeUploads(tx, await folded(tx, upload, "uploads", of(upload.kind)));
  },
  clear: {
    rows: clearRows,
    // By its key alone it cannot be told whose request or upload waits; those of a device stay for the operator.
    takes: ({ device }) => device === undefined,
  },
};

async function clearRows(tx: ReadModelTransaction, cleared: ClearedPart): Promise<void> {
  await clearedByColumns(tx, ["data_requests", "uploads"], cleared);
  await sql`
    UPDATE ${sql.table(`${tx.schema}.stored_bytes`)} AS s SET bytes = (
      SELECT coalesce(sum((state -> 'stored' ->> 'bytes')::bigint), 0)
        FROM ${sql.table(`${tx.schema}.uploads`)} AS u WHERE u.namespace = s.namespace AND u.phase = 'stored')
     WHERE s.namespace = ${cleared.namespace}`.execute(tx.db);
}

interface Change<State> {
  readonly namespace: string;
  readonly id: string;
  readonly before: State;
  readonly after: Snapshot<State>;
}

/** Each aggregate that the records are about, before and after them. */
async function folded<State>(
  tx: ReadModelTransaction,
  decider: Decider<State>,
  table: string,
  records: readonly LogRecord<Decided>[],
): Promise<Change<State>[]> {
  if (records.length === 0) return [];
  const ids = new Map(records.map(({ value: { id } }) => [`${id.namespace}\0${id.id}`, id]));
  const column = (of: (id: AggregateId) => string) => [...ids.values()].map(of);
  const { rows } = await sql<{ namespace: string; id: string; sequence: number; state: State }>`
    SELECT namespace, id, sequence, state FROM ${sql.table(`${tx.schema}.${table}`)}
      JOIN unnest(${column((id) => id.namespace)}::text[], ${column((id) => id.id)}::text[]) AS named (namespace, id)
     USING (namespace, id)`.execute(tx.db);
  const before = new Map<string, Snapshot<State>>(rows.map((row) => [`${row.namespace}\0${row.id}`, row]));
  const after = new Map(before);
  for (const { value } of records) {
    const key = `${value.id.namespace}\0${value.id.id}`;
    const snapshot = after.get(key) ?? { state: decider.initial, sequence: 0 };
    after.set(key, fold(decider, snapshot, value.sequence, value.decision));
  }
  return [...ids].map(([key, { namespace, id }]) => {
    const now = after.get(key) as Snapshot<State>;
    return { namespace, id, before: before.get(key)?.state ?? decider.initial, after: now };
  });
}

type Made<State> = Change<State> & { readonly made: Exclude<State, { phase: "none" }> };

/** Those that exist: the first decision on each makes it. */
function existing<State extends { phase: string }>(changes: readonly Change<State>[]): Made<State>[] {
  return changes.flatMap((change) => {
    const { state } = change.after;
    return state.phase === "none" ? [] : [{ ...change, made: state as Made<State>["made"] }];
  });
}

async function writeRequests(
  tx: ReadModelTransaction,
  changes: readonly Change<DataRequest>[],
): Promise<void> {
  const rows = existing(changes);
  if (rows.length === 0) return;
  const column = <V>(of: (made: MadeRequest) => V) => rows.map(({ made }) => of(made));
  await sql`
    INSERT INTO data_requests (namespace, id, sequence, number, phase, device, expires_at, state)
    SELECT * FROM unnest(
      ${rows.map((row) => row.namespace)}::text[], ${rows.map((row) => row.id)}::text[],
      ${rows.map((row) => row.after.sequence)}::bigint[], ${column((made) => made.number)}::bigint[],
      ${column((made) => made.phase)}::text[], ${column((made) => made.asked.device)}::text[],
      ${column((made) => instant(made.asked.expiresAt))}::timestamptz[],
      ${rows.map((row) => JSON.stringify(row.after.state))}::json[])
    ON CONFLICT (namespace, id) DO UPDATE
       SET sequence = excluded.sequence, phase = excluded.phase, state = excluded.state`.execute(tx.db);
}

async function writeUploads(tx: ReadModelTransaction, changes: readonly Change<Upload>[]): Promise<void> {
  const rows = existing(changes);
  if (rows.length === 0) return;
  const column = <V>(of: (made: MadeUpload) => V) => rows.map(({ made }) => of(made));
  await sql`
    INSERT INTO uploads
      (namespace, id, sequence, number, phase, device, sensor, starts_at, ends_at, expires_at, state)
    SELECT * FROM unnest(
      ${rows.map((row) => row.namespace)}::text[], ${rows.map((row) => row.id)}::text[],
      ${rows.map((row) => row.after.sequence)}::bigint[], ${column((made) => made.number)}::bigint[],
      ${column((made) => made.phase)}::text[], ${column((made) => made.offered.device)}::text[],
      ${column((made) => made.offered.sensor)}::text[],
      ${column(({ offered: { start } }) => (start === undefined ? null : instant(start)))}::timestamptz[],
      ${column(({ offered: { end } }) => (end === undefined ? null : instant(end)))}::timestamptz[],
      ${column((made) => instant(made.offered.expiresAt))}::timestamptz[],
      ${rows.map((row) => JSON.stringify(row.after.state))}::json[])
    ON CONFLICT (namespace, id) DO UPDATE
       SET sequence = excluded.sequence, phase = excluded.phase, state = excluded.state`.execute(tx.db);
  await addStored(tx, rows);
  await countUploads(tx, rows);
}

async function addStored(tx: ReadModelTransaction, rows: readonly Made<Upload>[]): Promise<void> {
  const added = new Map<string, number>();
  for (const { namespace, before, made } of rows) {
    const more = keptBytes(made) - keptBytes(before);
    if (more !== 0) added.set(namespace, (added.get(namespace) ?? 0) + more);
  }
  if (added.size === 0) return;
  await sql`
    INSERT INTO stored_bytes AS s (namespace, bytes)
    SELECT * FROM unnest(${[...added.keys()]}::text[], ${[...added.values()]}::bigint[])
    ON CONFLICT (namespace) DO UPDATE SET bytes = s.bytes + excluded.bytes`.execute(tx.db);
}

function keptBytes(state: Upload): number {
  return state.phase === "stored" ? (state.stored?.bytes ?? 0) : 0;
}

/** Of the requests that were answered. */
async function countUploads(tx: ReadModelTransaction, rows: readonly Made<Upload>[]): Promise<void> {
  const stored = rows.filter(({ before, made }) => {
    const wasStored = before.phase === "stored" || before.phase === "removed";
    return made.offered.request !== "" && made.stored !== undefined && !wasStored;
  });
  if (stored.length === 0) return;
  await sql`
    UPDATE data_requests AS r SET uploads = r.uploads + n.uploads
      FROM (SELECT namespace, id, count(*)::integer AS uploads
              FROM unnest(${stored.map((row) => row.namespace)}::text[],
                          ${stored.map(({ made }) => made.offered.request)}::text[]) AS t (namespace, id)
             GROUP BY namespace, id) AS n
     WHERE r.namespace = n.namespace AND r.id = n.id`.execute(tx.db);
}
