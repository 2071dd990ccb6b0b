import { type Decided, decidedIn, type Folded, folded } from "@fieldlog/aggregates";
import { type AggregateId, REGISTRY, type registry } from "@fieldlog/contracts";
import { clearedByColumns, type ReadModelDefinition, type ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { JsonObject, PropertyKind } from "./json.js";
import { type Properties, properties } from "./properties.js";
import { createTables, STATES } from "./tables.js";

/** Devices' properties, and every change of them. Raise `version` when a table or the state changes. */
export const propertiesModel: ReadModelDefinition<Decided> = {
  name: "properties",
  version: 2,
  stream: REGISTRY,
  tables: ["device_properties", "property_changes"],
  create: createTables,
  decode: (commit) => decidedIn(commit, STATES),
  async apply(tx, records) {
    const changes: Change[] = [];
    const devices = await folded(tx, properties, STATES, records, (decided, _, after) =>
      changes.push(...changesOf(decided, after)),
    );
    await writeStates(tx, devices);
    await writeChanges(tx, changes);
  },
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["device_properties", "property_changes"], cleared),
    takes: ({ device }, key) => device === undefined || key === `${properties.kind}/${device}`,
  },
};

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

/** What the decision changes. */
function changesOf({ id, sequence, decision }: Decided, after: Properties): Change[] {
  const { decidedAt, decidedBy: by } = decision;
  return decision.events.flatMap(({ event }) => {
    if (!isChange(event)) return [];
    const kind = KINDS[event.case];
    const { version, value } = after[kind];
    const template = event.case === "desiredChanged" ? event.value.fleetTemplate : "";
    const { patchJson } = event.value;
    const taken = after.taken ?? null;
    return [{ id, sequence, kind, version, patchJson, value, taken, at: Number(decidedAt), by, template }];
  });
}

function isChange(
  event: registry.RegistryEvent["event"],
): event is Extract<registry.RegistryEvent["event"], { case: keyof typeof KINDS }> {
  return event.case !== undefined && event.case in KINDS;
}

async function writeStates(tx: ReadModelTransaction, rows: readonly Folded<Properties>[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO device_properties (namespace, device, sequence, tags, state)
    SELECT * FROM unnest(
      ${rows.map(({ namespace }) => namespace)}::text[], ${rows.map(({ id }) => id)}::text[],
      ${rows.map(({ after }) => after.sequence)}::bigint[],
      ${rows.map(({ after }) => JSON.stringify(after.state.tags.value))}::jsonb[],
      ${rows.map(({ after }) => JSON.stringify(after.state))}::json[])
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
