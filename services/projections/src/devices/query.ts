import { type Kysely, sql } from "kysely";
import type { EventTables } from "../events/tables.js";
import type { DeviceTables } from "./definition.js";

export interface DeviceFound {
  readonly id: string;
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
    .select(["devices.id", "dialect", "registered_at", "last_seen_at", "status", "event_count"])
    .select([sql<string>`metadata::text`.as("metadata"), sql<string>`sensors::text`.as("sensors")])
    .where("devices.namespace", "=", namespace);
}
