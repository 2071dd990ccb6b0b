import { type Decided, decidedIn, type Folded, folded, type Id } from "@fieldlog/aggregates";
import { REGISTRY } from "@fieldlog/contracts";
import type { Snapshot } from "@fieldlog/decider";
import { instant } from "@fieldlog/events";
import { clearedByColumns, type ReadModelDefinition, type ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import {
  type DeviceSamplings,
  deviceSamplings,
  isWaiting,
  nextDeadline,
  type Sampling,
} from "./device-samplings.js";
import { createTables, STATES } from "./tables.js";

/** What devices were asked to sample. Raise `version` when a table or the state changes. */
export const readModel: ReadModelDefinition<Decided> = {
  name: "samplings",
  version: 1,
  stream: REGISTRY,
  tables: ["device_samplings", "samplings"],
  create: createTables,
  decode: (commit) => decidedIn(commit, STATES),
  async apply(tx, records) {
    const changed = new Map<string, Changed>();
    const devices = await folded(tx, deviceSamplings, STATES, records, ({ id }, before, after) =>
      note(changed, id, before, after),
    );
    if (devices.length === 0) return;
    await writeDevices(tx, devices);
    await writeSamplings(tx, [...changed.values()]);
  },
  clear: {
    rows: (tx, cleared) => clearedByColumns(tx, ["device_samplings", "samplings"], cleared),
    takes: ({ device }, key) => device === undefined || key === `${deviceSamplings.kind}/${device}`,
  },
};

/** A sampling that a decision changed, as it is after the last of them. */
interface Changed {
  readonly namespace: string;
  readonly device: string;
  readonly one: Sampling;
}

function note(
  changed: Map<string, Changed>,
  { namespace, id: device }: Id,
  before: DeviceSamplings,
  after: DeviceSamplings,
): void {
  const known = new Set([...before.open, ...before.ended]);
  for (const one of [...after.open, ...after.ended])
    if (!known.has(one)) changed.set(`${namespace}\0${device}\0${one.id}`, { namespace, device, one });
}

async function writeDevices(
  tx: ReadModelTransaction,
  rows: readonly Folded<DeviceSamplings>[],
): Promise<void> {
  const column = <V>(of: (after: Snapshot<DeviceSamplings>) => V) => rows.map(({ after }) => of(after));
  const deadline = (state: DeviceSamplings) => {
    const ms = nextDeadline(state);
    return ms === undefined ? null : instant(ms);
  };
  await sql`
    INSERT INTO device_samplings (namespace, device, sequence, deadline, waiting, state)
    SELECT * FROM unnest(
      ${rows.map(({ namespace }) => namespace)}::text[], ${rows.map(({ id }) => id)}::text[],
      ${column(({ sequence }) => sequence)}::bigint[], ${column(({ state }) => deadline(state))}::timestamptz[],
      ${column(({ state }) => isWaiting(state))}::boolean[], ${column(({ state }) => JSON.stringify(state))}::json[])
    ON CONFLICT (namespace, device) DO UPDATE
       SET sequence = excluded.sequence, deadline = excluded.deadline, waiting = excluded.waiting,
           state = excluded.state`.execute(tx.db);
}

async function writeSamplings(tx: ReadModelTransaction, rows: readonly Changed[]): Promise<void> {
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
