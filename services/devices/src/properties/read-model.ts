import { fromBinary } from "@bufbuild/protobuf";
import { type AggregateId, aggregateOf, positionOf, REGISTRY, registry } from "@fieldlog/contracts";
import { fold, type Snapshot } from "@fieldlog/decider";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { sql } from "kysely";
import type { JsonObject, PropertyKind } from "./json.js";
import { type Properties, properties } from "./properties.js";
import { createTables } from "./tables.js";

interface Decided {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** Devices' properties, and every change of them. Raise `version` when a table or the state changes. */
export const propertiesModel: ReadModelDefinition<Decided> = {
  name: "properties",
  version: 2,
  stream: REGISTRY,
  tables: ["device_properties", "property_changes"],
  create: createTables,
  decode({ subject, sequence, time, data }) {
    const id = aggregateOf(subject);
    if (id.kind !== properties.kind) return [];
    const value = { id, sequence, decision: fromBinary(registry.DecisionSchema, data) };
    const { namespace } = id;
    return [{ namespace, key: `${id.kind}/${id.id}`, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    if (records.length === 0) return;
    const states = await before(tx, records);
    const changes = records.flatMap((record) => applied(states, record.value));
    await writeStates(tx, records, states);
    await writeChanges(tx, changes);
  },
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["device_properties", "property_changes"], cleared),
    takes: ({ device }, key) => device === undefined || key === `${properties.kind}/${device}`,
  },
};

const keyOf = ({ namespace, id }: Pick<AggregateId, "namespace" | "id">) => `${namespace}\0${id}`;

async function before(
  tx: ReadModelTransaction,
  records: readonly LogRecord<Decided>[],
): Promise<Map<string, Snapshot<Properties>>> {
  const ids = [...new Map(records.map(({ value: { id } }) => [keyOf(id), id])).values()];
  const { rows } = await sql<{ namespace: string; id: string } & Snapshot<Properties>>`
    SELECT namespace, device AS id, sequence, state FROM ${sql.table(`${tx.schema}.device_properties`)}
      JOIN unnest(${ids.map(({ namespace }) => namespace)}::text[], ${ids.map(({ id }) => id)}::text[])
        AS named (namespace, device)
     USING (namespace, device)`.execute(tx.db);
  return new Map(rows.map((row) => [keyOf(row), row]));
}

interface Change {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly kind: PropertyKind;
  readonly version: number;
  readonly patchJson: string;
  readonly value: JsonObject;
  readonly taken: number | null;
  readonly at: number;
  readonly by: string;
  readonly template: string;
}

const KINDS = { desiredChanged: "desired", reportedChanged: "reported", tagsChanged: "tags" } as const;

/** Notes the state after the decision. Returns what it changes. */
function applied(states: Map<string, Snapshot<Properties>>, { id, sequence, decision }: Decided): Change[] {
  const was = states.get(keyOf(id)) ?? { state: properties.initial, sequence: 0 };
  const after = fold(properties, was, sequence, decision);
  states.set(keyOf(id), after);
  const { decidedAt, decidedBy: by } = decision;
  return decision.events.flatMap(({ event }) => {
    if (!isChange(event)) return [];
    const kind = KINDS[event.case];
    const { version, value } = after.state[kind];
    const template = event.case === "desiredChanged" ? event.value.fleetTemplate : "";
    const { patchJson } = event.value;
    const taken = after.state.taken ?? null;
    return [{ id, sequence, kind, version, patchJson, value, taken, at: Number(decidedAt), by, template }];
  });
}

function isChange(
  event: registry.RegistryEvent["event"],
): event is Extract<registry.RegistryEvent["event"], { case: keyof typeof KINDS }> {
  return event.case !== undefined && event.case in KINDS;
}

async function writeStates(
  tx: ReadModelTransaction,
  records: readonly LogRecord<Decided>[],
  states: ReadonlyMap<string, Snapshot<Properties>>,
): Promise<void> {
  const ids = [...new Map(records.map(({ value: { id } }) => [keyOf(id), id])).values()];
  const rows = ids.map((id) => ({ id, ...(states.get(keyOf(id)) as Snapshot<Properties>) }));
  await sql`
    INSERT INTO device_properties (namespace, device, sequence, tags, state)
    SELECT * FROM unnest(
      ${rows.map(({ id }) => id.namespace)}::text[], ${rows.map(({ id }) => id.id)}::text[],
      ${rows.map(({ sequence }) => sequence)}::bigint[],
      ${rows.map(({ state }) => JSON.stringify(state.tags.value))}::jsonb[],
      ${rows.map(({ state }) => JSON.stringify(state))}::json[])
    ON CONFLICT (namespace, device) DO UPDATE
       SET sequence = excluded.sequence, tags = excluded.tags, state = excluded.state`.execute(tx.db);
}

async function writeChanges(tx: ReadModelTransaction, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  const column = <V>(of: (change: Change) => V) => changes.map(of);
  await sql`
    INSERT INTO property_changes
      (namespace, device, sequence, kind, version, patch, value, taken, changed_at, changed_by, fleet_template)
    SELECT * FROM unnest(
      ${column(({ id }) => id.namespace)}::text[], ${column(({ id }) => id.id)}::text[],
      ${column(({ sequence }) => sequence)}::bigint[], ${column(({ kind }) => kind)}::text[],
      ${column(({ version }) => version)}::bigint[], ${column(({ patchJson }) => patchJson)}::json[],
      ${column(({ value }) => JSON.stringify(value))}::json[], ${column(({ taken }) => taken)}::bigint[],
      ${column(({ at }) => new Date(at).toISOString())}::timestamptz[], ${column(({ by }) => by)}::text[],
      ${column(({ template }) => template)}::text[])
    ON CONFLICT DO NOTHING`.execute(tx.db);
}
