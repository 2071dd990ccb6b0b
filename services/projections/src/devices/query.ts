import { type Kysely, sql } from "kysely";
import type { EventTables } from "../events/tables.js";
import type { DeviceTables, LOOKED_UP } from "./definition.js";

export interface DeviceFound {
  readonly id: string;
  readonly number: number;
  readonly dialect: string;
  readonly registered_at: Date;
  readonly metadata: string;
  readonly sensors: string;
  readonly last_seen_at: Date | null;
  readonly status: string | null;
  readonly event_count: number | null;
}

export interface DevicePage {
  /** By id. */
  readonly devices: DeviceFound[];
  /** Id to go on from; absent: there is no more. */
  readonly next?: string;
}

type Tables = DeviceTables & EventTables;

/** Only those that have it, in their metadata. */
export interface LookUp {
  readonly name?: string;
  readonly uuid?: string;
  readonly legacyIdentifier?: string;
}

/** @param after a device id, exclusive; absent: from the first */
export async function pageOfDevices(
  db: Kysely<Tables>,
  namespace: string,
  limit: number,
  after?: string,
  wanted: LookUp & { readonly dialect?: string } = {},
): Promise<DevicePage> {
  let query = selectDevices(db, namespace, wanted)
    .orderBy("devices.id")
    .limit(limit + 1);
  if (wanted.dialect !== undefined) query = query.where("dialect", "=", wanted.dialect);
  if (after !== undefined) query = query.where("devices.id", ">", after);
  const rows = await query.execute();
  const devices = rows.slice(0, limit);
  const next = devices.at(-1)?.id;
  return rows.length > limit && next !== undefined ? { devices, next } : { devices };
}

/** Which devices, the newest first. Bounds of numbers are exclusive. */
export interface NewestAsked extends LookUp {
  readonly namespace: string;
  readonly limit: number;
  readonly offset: number;
  readonly dialect?: string;
  readonly after?: number;
  readonly before?: number;
  readonly number?: number;
  /** Last heard at or after. */
  readonly seenSince?: Date;
}

export function newestDevices(db: Kysely<Tables>, asked: NewestAsked): Promise<DeviceFound[]> {
  const { namespace, limit, offset, dialect, after, before, number, seenSince } = asked;
  let query = selectDevices(db, namespace, asked).orderBy("number", "desc").limit(limit).offset(offset);
  if (dialect !== undefined) query = query.where("dialect", "=", dialect);
  if (after !== undefined) query = query.where("number", ">", after);
  if (before !== undefined) query = query.where("number", "<", before);
  if (number !== undefined) query = query.where("number", "=", number);
  if (seenSince !== undefined) query = query.where("last_seen_at", ">=", seenSince);
  return query.execute();
}

export async function findDevice(
  db: Kysely<Tables>,
  namespace: string,
  id: string,
): Promise<DeviceFound | undefined> {
  return await selectDevices(db, namespace).where("devices.id", "=", id).executeTakeFirst();
}

function selectDevices(db: Kysely<Tables>, namespace: string, lookUp: LookUp = {}) {
  const { name, uuid, legacyIdentifier } = lookUp;
  let query = db
    .selectFrom("devices")
    .leftJoin("activity", (join) =>
      join.onRef("activity.namespace", "=", "devices.namespace").onRef("activity.device", "=", "devices.id"),
    )
    .select(["devices.id", "number", "dialect", "registered_at", "last_seen_at", "status", "event_count"])
    .select([sql<string>`metadata::text`.as("metadata"), sql<string>`sensors::text`.as("sensors")])
    .where("devices.namespace", "=", namespace);
  if (name !== undefined) query = query.where(has("name", name));
  if (uuid !== undefined) query = query.where(has("uuid", uuid));
  if (legacyIdentifier !== undefined) query = query.where(has("legacyIdentifier", legacyIdentifier));
  return query;
}

/** As the indexes have it. */
function has(field: (typeof LOOKED_UP)[number], value: string) {
  return sql<boolean>`metadata ->> ${sql.lit(field)} = ${value}`;
}
