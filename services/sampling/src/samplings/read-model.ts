import { fromBinary } from "@bufbuild/protobuf";
import { type AggregateId, aggregateOf, positionOf, REGISTRY, registry } from "@fieldlog/contracts";
import { fold, type Snapshot } from "@fieldlog/decider";
import { instant } from "@fieldlog/events";
import {
  clearedByColumns,
  type LogRecord,
  type ReadModelDefinition,
  type ReadModelTransaction,
} from "@fieldlog/read-model";
import { sql } from "kysely";
import {
  type DeviceSamplings,
  deviceSamplings,
  isWaiting,
  nextDeadline,
  type Sampling,
} from "./device-samplings.js";
import { createTables } from "./tables.js";

interface Decided {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

/** What devices were asked to sample. Raise `version` when a table or the state changes. */
export const readModel: ReadModelDefinition<Decided> = {
  name: "samplings",
  version: 1,
  stream: REGISTRY,
  tables: ["device_samplings", "samplings"],
  create: createTables,
  decode({ subject, sequence, time, data }) {
    const id = aggregateOf(subject);
    if (id.kind !== deviceSamplings.kind) return [];
    const value = { id, sequence, decision: fromBinary(registry.DecisionSchema, data) };
    const { namespace } = id;
    return [{ namespace, key: `${id.kind}/${id.id}`, position: positionOf(sequence, 0), time, value }];
  },
  async apply(tx, records) {
    if (records.length === 0) return;
    const changes = folded(await before(tx, records), records);
    await writeDevices(tx, changes);
    await writeSamplings(tx, changes);
  },
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["device_samplings", "samplings"], cleared),
    takes: ({ device }, key) => device === undefined || key === `${deviceSamplings.kind}/${device}`,
  },
};

/** A device's samplings after the decisions, and those of them that the decisions changed, by id. */
interface Change {
  readonly namespace: string;
  readonly device: string;
  readonly after: Snapshot<DeviceSamplings>;
  readonly changed: ReadonlyMap<string, Sampling>;
}

const keyOf = (namespace: string, device: string) => `${namespace}\0${device}`;

async function before(
  tx: ReadModelTransaction,
  records: readonly LogRecord<Decided>[],
): Promise<Map<string, Snapshot<DeviceSamplings>>> {
  const ids = new Map(records.map(({ value: { id } }) => [keyOf(id.namespace, id.id), id]));
  const namespaces = [...ids.values()].map(({ namespace }) => namespace);
  const devices = [...ids.values()].map(({ id }) => id);
  const { rows } = await sql<{ namespace: string; device: string } & Snapshot<DeviceSamplings>>`
    SELECT namespace, device, sequence, state FROM ${sql.table(`${tx.schema}.device_samplings`)}
      JOIN unnest(${namespaces}::text[], ${devices}::text[]) AS named (namespace, device)
     USING (namespace, device)`.execute(tx.db);
  return new Map(rows.map((row) => [keyOf(row.namespace, row.device), row]));
}

function folded(
  states: Map<string, Snapshot<DeviceSamplings>>,
  records: readonly LogRecord<Decided>[],
): Change[] {
  const changes = new Map<string, Change & { readonly changed: Map<string, Sampling> }>();
  for (const { value } of records) {
    const { namespace, id: device } = value.id;
    const key = keyOf(namespace, device);
    const was = states.get(key) ?? { state: deviceSamplings.initial, sequence: 0 };
    const after = fold(deviceSamplings, was, value.sequence, value.decision);
    states.set(key, after);
    const changed = changes.get(key)?.changed ?? new Map<string, Sampling>();
    const known = new Set([...was.state.open, ...was.state.ended]);
    for (const one of [...after.state.open, ...after.state.ended])
      if (!known.has(one)) changed.set(one.id, one);
    changes.set(key, { namespace, device, after, changed });
  }
  return [...changes.values()];
}

async function writeDevices(tx: ReadModelTransaction, rows: readonly Change[]): Promise<void> {
  const column = <V>(of: (after: Snapshot<DeviceSamplings>) => V) => rows.map(({ after }) => of(after));
  const deadline = (state: DeviceSamplings) => {
    const ms = nextDeadline(state);
    return ms === undefined ? null : instant(ms);
  };
  await sql`
    INSERT INTO device_samplings (namespace, device, sequence, deadline, waiting, state)
    SELECT * FROM unnest(
      ${rows.map(({ namespace }) => namespace)}::text[], ${rows.map(({ device }) => device)}::text[],
      ${column(({ sequence }) => sequence)}::bigint[], ${column(({ state }) => deadline(state))}::timestamptz[],
      ${column(({ state }) => isWaiting(state))}::boolean[], ${column(({ state }) => JSON.stringify(state))}::json[])
    ON CONFLICT (namespace, device) DO UPDATE
       SET sequence = excluded.sequence, deadline = excluded.deadline, waiting = excluded.waiting,
           state = excluded.state`.execute(tx.db);
}

async function writeSamplings(tx: ReadModelTransaction, changes: readonly Change[]): Promise<void> {
  const rows = changes.flatMap(({ namespace, device, changed }) =>
    [...changed.values()].map((one) => ({ namespace, device, one })),
  );
  if (rows.length === 0) return;
  const column = <V>(of: (one: Sampling) => V) => rows.map(({ one }) => of(one));
  await sql`
    INSERT INTO samplings (namespace, id, number, device, phase, category, label, state)
    SELECT * FROM unnest(
      ${rows.map(({ namespace }) => namespace)}::text[], ${column(({ id }) => id)}::text[],
      ${column(({ number }) => number)}::bigint[], ${rows.map(({ device }) => device)}::text[],
      ${column(({ phase }) => phase)}::text[], ${column(({ asked }) => asked.category)}::text[],
      ${column(({ asked }) => asked.label)}::text[], ${column((one) => JSON.stringify(one))}::json[])
    ON CONFLICT (namespace, id) DO UPDATE SET phase = excluded.phase, state = excluded.state`.execute(tx.db);
}
