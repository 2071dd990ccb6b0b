import { type Decided, decidedIn, type Folded, folded } from "@fieldlog/aggregates";
import { REGISTRY, type registry } from "@fieldlog/contracts";
import { clearedByColumns, type ReadModelDefinition, type ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import { type FleetTemplateState, fleetTemplate } from "./fleet-template.js";
import { createTables, STATES } from "./tables.js";

/** Fleet templates, and what became of them at devices. Raise `version` when a table or the state changes. */
export const fleetModel: ReadModelDefinition<Decided> = {
  name: "fleet-templates",
  version: 1,
  stream: REGISTRY,
  tables: ["fleet_templates", "fleet_devices"],
  create: createTables,
  decode: (commit) => decidedIn(commit, STATES),
  async apply(tx, records) {
    const steps = new Map<string, Noted>();
    const templates = await folded(tx, fleetTemplate, STATES, records, (decided, _, after) =>
      note(steps, decided, after),
    );
    await writeTemplates(tx, templates);
    await writeSteps(tx, [...steps.values()]);
  },
  // Templates are settings of their namespace: they stay when it is cleared.
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["fleet_devices"], cleared),
    takes: () => false,
  },
};

interface Noted extends Omit<registry.FleetTemplateApplied, "$typeName"> {
  readonly namespace: string;
  readonly template: string;
  readonly at: number;
  readonly takeWithinS: number;
}

/** Notes each device's newest step. */
function note(
  steps: Map<string, Noted>,
  { id: { namespace, id }, decision }: Decided,
  after: FleetTemplateState,
): void {
  const takeWithinS = after.phase === "none" ? 0 : after.wanted.takeWithinS;
  for (const { event } of decision.events) {
    if (event.case !== "fleetTemplateApplied") continue;
    const noted = { ...event.value, namespace, template: id, at: Number(decision.decidedAt), takeWithinS };
    steps.set([namespace, id, noted.device].join("\0"), noted);
  }
}

async function writeTemplates(
  tx: ReadModelTransaction,
  rows: readonly Folded<FleetTemplateState>[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO fleet_templates (namespace, name, sequence, phase, state)
    SELECT * FROM unnest(
      ${rows.map(({ namespace }) => namespace)}::text[], ${rows.map(({ id }) => id)}::text[],
      ${rows.map(({ after }) => after.sequence)}::bigint[], ${rows.map(({ after }) => after.state.phase)}::text[],
      ${rows.map(({ after }) => JSON.stringify(after.state))}::json[])
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
