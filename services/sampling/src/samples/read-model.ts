import { addKeptBytes, type Decided, decidedIn, existing, type Folded, folded } from "@fieldlog/aggregates";
import { REGISTRY } from "@fieldlog/contracts";
import { instant } from "@fieldlog/events";
import { clearedByColumns, type ReadModelDefinition, type ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import { type MadeModel, type ModelState, model } from "../models/model.js";
import { type MadeSample, type SampleState, sample } from "./sample.js";
import { type SampleContent, sampleContent } from "./sample-content.js";
import { createTables, STATES } from "./tables.js";

/** Samples and models. Raise `version` when a table or a state changes. */
export const readModel: ReadModelDefinition<Decided> = {
  name: "samples",
  version: 1,
  stream: REGISTRY,
  tables: ["samples", "sample_contents", "models", "sample_bytes"],
  create: createTables,
  decode: (commit) => decidedIn(commit, STATES),
  async apply(tx, records) {
    await writeSamples(tx, await folded(tx, sample, STATES, records));
    await writeContents(tx, await folded(tx, sampleContent, STATES, records));
    await writeModels(tx, await folded(tx, model, STATES, records));
  },
  clear: {
    // A device's samples are removed one by one, by decisions of their own: the log keeps those.
    rows: async (tx, cleared) => {
      if (cleared.device === undefined) await clearedByColumns(tx, readModel.tables, cleared);
    },
    takes: ({ device }) => device === undefined,
  },
};

async function writeSamples(tx: ReadModelTransaction, changes: readonly Folded<SampleState>[]) {
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
  await addKeptBytes(tx, "sample_bytes", rows, (state) =>
    state.phase === "stored" ? state.sample.content.bytes : 0,
  );
}

async function writeContents(tx: ReadModelTransaction, changes: readonly Folded<SampleContent>[]) {
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

async function writeModels(tx: ReadModelTransaction, changes: readonly Folded<ModelState>[]) {
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
  await addKeptBytes(tx, "sample_bytes", rows, (state) =>
    state.phase === "stored" ? state.content.bytes : 0,
  );
}
