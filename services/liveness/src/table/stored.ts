import { setTimeout as sleep } from "node:timers/promises";
import type { ReadDatabase, ReadModelDefinition } from "@fieldlog/read-model";
import pg from "pg";
import type { Machine } from "../core/machine.js";
import { ACTIVE, INACTIVE, NEVER } from "../core/slots.js";
import { statusOf } from "../core/status.js";
import { copyOut } from "./copy-out.js";
import type { HeardTables } from "./heard.js";
import type { KnownTables } from "./known.js";

export const SCHEMA = "liveness";

export type Tables = HeardTables & KnownTables;

type Schema = Pick<ReadDatabase<Tables>, "schema">;

/** Where a shard's rows are, and by which read models. */
export interface StoredShard {
  readonly database: ReadDatabase<Tables>;
  readonly heard: Pick<ReadModelDefinition<never>, "name" | "version">;
  readonly known: Pick<ReadModelDefinition<never>, "name" | "version">;
}

/** Up to where of each log the stored rows are true, and what else they say. */
export interface Stored {
  readonly signals: number;
  readonly registry: number;
  /** Ids of the namespaces, by name. */
  readonly namespaces: Map<string, string>;
}

const RETRY_MS = 250;
/** Postgres's code for a table, or a schema, that is not there. */
const NOT_MADE = new Set(["42P01", "3F000"]);

/** Loads the stored rows into the machine, as they were at one moment; waits until the tables are made. */
export async function loadStored(shard: StoredShard, machine: Machine, signal: AbortSignal): Promise<Stored> {
  for (;;) {
    const found = await loadOnce(shard, machine).catch((error: { code?: string }) => {
      if (NOT_MADE.has(error.code ?? "")) return undefined;
      throw error;
    });
    if (found !== undefined) return found;
    await sleep(RETRY_MS, undefined, { signal });
  }
}

async function loadOnce(
  { database, heard, known }: StoredShard,
  machine: Machine,
): Promise<Stored | undefined> {
  const client = await database.pool.connect();
  let failed: Error | undefined;
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0");
    const { rows } = await client.query<{ name: string; version: number; sequence: number }>(
      `SELECT name, version, sequence FROM ${table(database, "read_models")} WHERE stage = 'live'`,
    );
    const of = (model: { name: string; version: number }) =>
      rows.find(({ name, version }) => name === model.name && version === model.version)?.sequence;
    const [signals, registry] = [of(heard), of(known)];
    if (signals === undefined || registry === undefined) return undefined;
    const namespaces = await loadNamespaces(client, database, machine);
    await loadDevices(client, database, machine);
    await loadHeard(client, database, machine);
    return { signals, registry, namespaces };
  } catch (error) {
    failed = error as Error;
    throw error;
  } finally {
    if (failed === undefined) await client.query("ROLLBACK").catch(() => undefined);
    client.release(failed);
  }
}

async function loadNamespaces(
  client: pg.ClientBase,
  database: Schema,
  machine: Machine,
): Promise<Map<string, string>> {
  const namespaces = new Map<string, string>();
  const columns = "name, id, heartbeat_s, inactive_after_s";
  await copyOut(client, `SELECT ${columns} FROM ${table(database, "settings")}`, (row) => {
    const [name = "", id = "", heartbeatS = "", inactiveAfterS = ""] = row;
    namespaces.set(name, id);
    machine.set(id, { heartbeatS: numberOf(heartbeatS), inactiveAfterS: numberOf(inactiveAfterS) });
  });
  return namespaces;
}

async function loadDevices(client: pg.ClientBase, database: Schema, machine: Machine): Promise<void> {
  const columns = "namespace, device, dialect, mobile, latitude, longitude";
  await copyOut(client, `SELECT ${columns} FROM ${table(database, "devices")}`, (row) => {
    const [namespace = "", device = "", dialect = "", mobile, latitude = "", longitude = ""] = row;
    const place = { latitude: numberOf(latitude), longitude: numberOf(longitude) };
    machine.register(namespace, device, { dialect, mobile: mobile === "t", ...place });
  });
}

async function loadHeard(client: pg.ClientBase, database: Schema, machine: Machine): Promise<void> {
  const columns =
    "namespace, device, signal_at, signal_position, heartbeat_at, heartbeat_position, status, told_active, told_at_position, told_position, told_at";
  await copyOut(client, `SELECT ${columns} FROM ${table(database, "heard")}`, (row) => {
    const [namespace = "", device = "", at, position, beatAt, beatPosition, status = "", active] = row;
    const [toldAtPosition, because, toldAt] = row.slice(8);
    const phase = Number(toldAtPosition) === 0 ? NEVER : active === "t" ? ACTIVE : INACTIVE;
    machine.load(namespace, device, {
      signal: { at: Number(at), position: Number(position), status: "" },
      heartbeat: { at: Number(beatAt), position: Number(beatPosition), status: statusOf(status) },
      told: { phase, position: Number(because), at: Number(toldAt) },
    });
  });
}

/** With its schema, as it stands in a statement. */
function table({ schema }: Schema, name: string): string {
  return `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;
}

/** Of a field; undefined: it was null. */
function numberOf(field: string): number | undefined {
  return field === "" ? undefined : Number(field);
}
