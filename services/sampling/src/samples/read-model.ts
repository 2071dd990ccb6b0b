import { fromBinary } from "@bufbuild/protobuf";
import { type AggregateId, aggregateOf, positionOf, REGISTRY, registry } from "@fieldlog/contracts";
import { type Decider, fold, type Snapshot } from "@fieldlog/decider";
import { instant } from "@fieldlog/events";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { sql } from "kysely";
import { type MadeModel, type ModelState, model } from "../models/model.js";
import { type MadeSample, type SampleState, sample } from "./sample.js";
import { type SampleContent, sampleContent } from "./sample-content.js";
import { createTables } from "./tables.js";

interface Decided {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

const KINDS: readonly string[] = [sample.kind, sampleContent.kind, model.kind];

/** Samples and models. Raise `version` when a table or a state changes. */
export const readModel: ReadModelDefinition<Decided> = {
  name: "samples",
  version: 1,
  stream: REGISTRY,
  tables: ["samples", "sample_contents", "models", "sample_bytes"],
  create: createTables,
  decode({ subject, sequence, time, data }) {
    const id = aggregateOf(subject);
    if (!KINDS.includes(id.kind)) return [];
    const value = { id, sequence, decision: fromBinary(registry.DecisionSchema, data) };
    const { namespace } = id;
    return [{ namespace, key: `${id.kind}/${id.id}`, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    const of = (kind: string) => records.filter(({ value }) => value.id.kind === kind);
    await writeSamples(tx, await folded(tx, sample, "samples", of(sample.kind)));
    await writeContents(tx, await folded(tx, sampleContent, "sample_contents", of(sampleContent.kind)));
    await writeModels(tx, await folded(tx, model, "models", of(model.kind)));
  },
  clear: {
    // A device's samples are removed one by one, by decisions of their own: the log keeps those.
    rows: async (tx, cleared) => {
      if (cleared.device === undefined) await clearedByColumns(tx, readModel.tables, cleared);
    },
    takes: ({ device }) => device === undefined,
  },
};

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

async function writeSamples(tx: ReadModelTransaction, changes: readonly Change<SampleState>[]) {
  const rows = existing(changes);
  if (rows.length === 0) return;
  const made = <V>(of: (made: MadeSample) => V) => rows.map((row) => of(row.made));
  const told = <V>(of: (sample: MadeSample["sample"]) => V) => made(({ sample }) => of(sample));
  await sql`
    INSERT INTO samples (
      namespace, id, sequence, number, phase, category, label, device, sensor, sampling, key, signature, file_name,
      media_type, sha256, bytes, length_ms, enabled, stored_at, metadata, state)
    SELECT * FROM unnest(
      ${rows.map((row) => row.namespace)}::text[], ${rows.map((row) => row.id)}::text[],
      ${rows.map((row) => row.after.sequence)}::bigint[], ${made(({ number }) => number)}::bigint[],
      ${made(({ phase }) => phase)}::text[], ${told(({ category }) => category)}::text[],
      ${told(({ label }) => label)}::text[], ${told(({ device }) => device)}::text[],
      ${told(({ sensor }) => sensor)}::text[], ${told(({ sampling }) => sampling)}::text[],
      ${told(({ key }) => key)}::text[], ${told(({ signature }) => signature)}::text[], ${told(({ fileName }) => fileName)}::text[],
      ${told(({ content }) => content.mediaType)}::text[], ${told(({ content }) => content.sha256)}::text[],
      ${told(({ content }) => content.bytes)}::bigint[], ${told(({ lengthMs }) => lengthMs ?? 0)}::float8[],
      ${told(({ enabled }) => enabled)}::boolean[], ${made(({ storedAt }) => instant(storedAt))}::timestamptz[],
      ${told(({ metadata }) => JSON.stringify(metadata))}::jsonb[], ${made((state) => JSON.stringify(state))}::json[])
    ON CONFLICT (namespace, id) DO UPDATE
       SET sequence = excluded.sequence, phase = excluded.phase, category = excluded.category,
           label = excluded.label, file_name = excluded.file_name, enabled = excluded.enabled,
           metadata = excluded.metadata, state = excluded.state`.execute(tx.db);
  await addBytes(tx, rows, (state) => (state.phase === "stored" ? state.sample.content.bytes : 0));
}

async function writeContents(tx: ReadModelTransaction, changes: readonly Change<SampleContent>[]) {
  if (changes.length === 0) return;
  await sql`
    INSERT INTO sample_contents (namespace, id, sequence, state)
    SELECT * FROM unnest(
      ${changes.map((row) => row.namespace)}::text[], ${changes.map((row) => row.id)}::text[],
      ${changes.map((row) => row.after.sequence)}::bigint[],
      ${changes.map((row) => JSON.stringify(row.after.state))}::json[])
    ON CONFLICT (namespace, id) DO UPDATE SET sequence = excluded.sequence, state = excluded.state`.execute(
    tx.db,
  );
}

async function writeModels(tx: ReadModelTransaction, changes: readonly Change<ModelState>[]) {
  const rows = existing(changes);
  if (rows.length === 0) return;
  const made = <V>(of: (made: MadeModel) => V) => rows.map((row) => of(row.made));
  await sql`
    INSERT INTO models (namespace, id, sequence, version, phase, bytes, state)
    SELECT * FROM unnest(
      ${rows.map((row) => row.namespace)}::text[], ${rows.map((row) => row.id)}::text[],
      ${rows.map((row) => row.after.sequence)}::bigint[], ${made(({ version }) => version)}::integer[],
      ${made(({ phase }) => phase)}::text[], ${made(({ content }) => content.bytes)}::bigint[],
      ${made((state) => JSON.stringify(state))}::json[])
    ON CONFLICT (namespace, id) DO UPDATE
       SET sequence = excluded.sequence, phase = excluded.phase, state = excluded.state`.execute(tx.db);
  await addBytes(tx, rows, (state) => (state.phase === "stored" ? state.content.bytes : 0));
}

async function addBytes<State extends { phase: string }>(
  tx: ReadModelTransaction,
  rows: readonly Made<State>[],
  bytesOf: (state: State) => number,
): Promise<void> {
  const added = new Map<string, number>();
  for (const { namespace, before, after } of rows) {
    const more = bytesOf(after.state) - bytesOf(before);
    if (more !== 0) added.set(namespace, (added.get(namespace) ?? 0) + more);
  }
  if (added.size === 0) return;
  await sql`
    INSERT INTO sample_bytes AS s (namespace, bytes)
    SELECT * FROM unnest(${[...added.keys()]}::text[], ${[...added.values()]}::bigint[])
    ON CONFLICT (namespace) DO UPDATE SET bytes = s.bytes + excluded.bytes`.execute(tx.db);
}
