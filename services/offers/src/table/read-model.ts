import {
  addKeptBytes,
  type Decided,
  decidedIn,
  type Existing,
  existing,
  type Folded,
  folded,
} from "@fieldlog/aggregates";
import { REGISTRY } from "@fieldlog/contracts";
import type { ClearedPart } from "@fieldlog/event-log";
import { instant } from "@fieldlog/events";
import { clearedByColumns, type ReadModelDefinition, type ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import { type DataRequest, dataRequest, type MadeRequest } from "../decisions/data-request.js";
import { type MadeUpload, type Upload, upload } from "../decisions/upload.js";
import { createTables, STATES } from "./tables.js";

/** Requests and uploads. Raise `version` when a table or a state changes. */
export const readModel: ReadModelDefinition<Decided> = {
  name: "offers",
  version: 2,
  stream: REGISTRY,
  tables: ["data_requests", "uploads", "stored_bytes"],
  create: createTables,
  decode: (commit) => decidedIn(commit, STATES),
  async apply(tx, records) {
    await writeRequests(tx, await folded(tx, dataRequest, STATES, records));
    await writeUploads(tx, await folded(tx, upload, STATES, records));
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

async function writeRequests(
  tx: ReadModelTransaction,
  changes: readonly Folded<DataRequest>[],
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

async function writeUploads(tx: ReadModelTransaction, changes: readonly Folded<Upload>[]): Promise<void> {
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
  await addKeptBytes(tx, "stored_bytes", rows, keptBytes);
  await countUploads(tx, rows);
}

function keptBytes(state: Upload): number {
  return state.phase === "stored" ? (state.stored?.bytes ?? 0) : 0;
}

/** Of the requests that were answered. */
async function countUploads(tx: ReadModelTransaction, rows: readonly Existing<Upload>[]): Promise<void> {
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
