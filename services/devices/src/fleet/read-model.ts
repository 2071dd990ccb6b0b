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
import { type FleetTemplateState, fleetTemplate } from "./fleet-template.js";
import { createTables } from "./tables.js";

interface Decided {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** Fleet templates, and what became of them at devices. Raise `version` when a table or the state changes. */
export const fleetModel: ReadModelDefinition<Decided> = {
  name: "fleet-templates",
  version: 1,
  stream: REGISTRY,
  tables: ["fleet_templates", "fleet_devices"],
  create: createTables,
  decode({ subject, sequence, time, data }) {
    const id = aggregateOf(subject);
    if (id.kind !== fleetTemplate.kind) return [];
    const value = { id, sequence, decision: fromBinary(registry.DecisionSchema, data) };
    const { namespace } = id;
    return [{ namespace, key: `${id.kind}/${id.id}`, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    if (records.length === 0) return;
    const states = await before(tx, records);
    const steps = new Map<string, Noted>();
    for (const { value } of records) note(states, steps, value);
    await writeTemplates(tx, [...states.values()]);
    await writeSteps(tx, [...steps.values()]);
  },
  // Templates are settings of their namespace: they stay when it is cleared.
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["fleet_devices"], cleared),
    takes: () => false,
  },
};

interface Template extends Snapshot<FleetTemplateState> {
  readonly namespace: string;
  readonly id: string;
}

const keyOf = (namespace: string, ...names: string[]) => [namespace, ...names].join("\0");

async function before(
  tx: ReadModelTransaction,
  records: readonly LogRecord<Decided>[],
): Promise<Map<string, Template>> {
  const named = new Map(records.map(({ value: { id } }) => [keyOf(id.namespace, id.id), id]));
  const ids = [...named.values()];
  const { rows } = await sql<Template>`
    SELECT namespace, name AS id, sequence, state FROM ${sql.table(`${tx.schema}.fleet_templates`)}
      JOIN unnest(${ids.map(({ namespace }) => namespace)}::text[], ${ids.map(({ id }) => id)}::text[])
        AS named (namespace, name)
     USING (namespace, name)`.execute(tx.db);
  return new Map(rows.map((row) => [keyOf(row.namespace, row.id), row]));
}

interface Noted extends Omit<registry.FleetTemplateApplied, "$typeName"> {
  readonly namespace: string;
  readonly template: string;
  readonly at: number;
  readonly takeWithinS: number;
}

/** Notes the state after the decision, and each device's newest step. */
function note(
  states: Map<string, Template>,
  steps: Map<string, Noted>,
  { id: { namespace, id }, sequence, decision }: Decided,
): void {
  const key = keyOf(namespace, id);
  const was = states.get(key) ?? { state: fleetTemplate.initial, sequence: 0 };
  const after = fold(fleetTemplate, was, sequence, decision);
  states.set(key, { namespace, id, ...after });
  const takeWithinS = after.state.phase === "none" ? 0 : after.state.wanted.takeWithinS;
  for (const { event } of decision.events) {
    if (event.case !== "fleetTemplateApplied") continue;
    const noted = { ...event.value, namespace, template: id, at: Number(decision.decidedAt), takeWithinS };
    steps.set(keyOf(namespace, id, noted.device), noted);
  }
}

async function writeTemplates(tx: ReadModelTransaction, rows: readonly Template[]): Promise<void> {
  await sql`
    INSERT INTO fleet_templates (namespace, name, sequence, phase, state)
    SELECT * FROM unnest(
      ${rows.map(({ namespace }) => namespace)}::text[], ${rows.map(({ id }) => id)}::text[],
      ${rows.map(({ sequence }) => sequence)}::bigint[], ${rows.map(({ state }) => state.phase)}::text[],
      ${rows.map(({ state }) => JSON.stringify(state))}::json[])
    ON CONFLICT (namespace, name) DO UPDATE
       SET sequence = excluded.sequence, phase = excluded.phase, state = excluded.state`.execute(tx.db);
}

async function writeSteps(tx: ReadModelTransaction, steps: readonly Noted[]): Promise<void> {
  if (steps.length === 0) return;
  const column = <V>(of: (step: Noted) => V) => steps.map(of);
  const dueOf = ({ state, at, takeWithinS }: Noted) =>
    state === "applied" ? new Date(at + takeWithinS * 1_000).toISOString() : null;
  await sql`
    INSERT INTO fleet_devices (namespace, template, device, revision, state, error, version, changed_at, due_at)
    SELECT * FROM unnest(
      ${column(({ namespace }) => namespace)}::text[], ${column(({ template }) => template)}::text[],
      ${column(({ device }) => device)}::text[], ${column(({ revision }) => revision)}::bigint[],
      ${column(({ state }) => state)}::text[], ${column(({ error }) => error)}::text[],
      ${column(({ desiredVersion }) => Number(desiredVersion))}::bigint[],
      ${column(({ at }) => new Date(at).toISOString())}::timestamptz[], ${column(dueOf)}::timestamptz[])
    ON CONFLICT (namespace, template, device) DO UPDATE
       SET revision = excluded.revision, state = excluded.state, error = excluded.error,
           version = excluded.version, changed_at = excluded.changed_at, due_at = excluded.due_at`.execute(
    tx.db,
  );
}
