import { type Kysely, sql } from "kysely";
import type { EventTables } from "../events/tables.js";
import type { DeviceTables } from "./definition.js";

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

/** @param after a device id, exclusive; absent: from the first */
export async function pageOfDevices(
  db: Kysely<Tables>,
  namespace: string,
  limit: number,
  after?: string,
): Promise<DevicePage> {
  let query = selectDevices(db, namespace)
    .orderBy("devices.id")
    .limit(limit + 1);
  if (after !== undefined) query = query.where("devices.id", ">", after);
  const rows = await query.execute();
  const devices = rows.slice(0, limit);
  const next = devices.at(-1)?.id;
  return rows.length > limit && next !== undefined ? { devices, next } : { devices };
}

/** Which devices, the newest first. Bounds of numbers are exclusive. */
export interface NewestAsked {
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
  let query = selectDevices(db, namespace).orderBy("number", "desc").limit(limit).offset(offset);
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

function selectDevices(db: Kysely<Tables>, namespace: string) {
  return db
    .selectFrom("devices")
    .leftJoin("activity", (join) =>
      join.onRef("activity.namespace", "=", "devices.namespace").onRef("activity.device", "=", "devices.id"),
    )
    .select(["devices.id", "number", "dialect", "registered_at", "last_seen_at", "status", "event_count"])
    .select([sql<string>`metadata::text`.as("metadata"), sql<string>`sensors::text`.as("sensors")])
    .where("devices.namespace", "=", namespace);
}
