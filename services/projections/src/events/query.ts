import { type Kysely, sql } from "kysely";
import type { EventTables } from "./tables.js";

export interface EventsAsked {
  readonly namespace: string;
  /** Positions, exclusive. */
  readonly after?: number;
  readonly before?: number;
  readonly limit: number;
  readonly device?: string;
  readonly type?: string;
  /** Occurred at or after. */
  readonly from?: Date;
  /** Occurred before. */
  readonly to?: Date;
}

export interface EventFound {
  readonly position: number;
  readonly device: string;
  readonly identity: string;
  readonly type: string;
  readonly occurred_at: Date;
  readonly received_at: Date;
  readonly data: string;
}

export interface EventPage {
  /** In ascending order of position. */
  readonly events: EventFound[];
  /** What to go on with: as `after`, or as `before` where only that was asked; absent: there is no more. */
  readonly next?: number;
}

/**
 * A page of events. With `before` alone it holds the newest before that position and the pages go back in
 * time; otherwise the oldest after `after` (or from the beginning), up to `before` if that is given, and
 * they go on in time.
 */
export async function pageOfEvents(db: Kysely<EventTables>, asked: EventsAsked): Promise<EventPage> {
  const { namespace, after, before, limit, device, type, from, to } = asked;
  const backwards = before !== undefined && after === undefined;
  let query = db
    .selectFrom("events")
    .select(["position", "device", "identity", "type", "occurred_at", "received_at"])
    .select(sql<string>`data::text`.as("data"))
    .where("namespace", "=", namespace)
    .orderBy("position", backwards ? "desc" : "asc")
    .limit(limit + 1);
  if (after !== undefined) query = query.where("position", ">", after);
  if (before !== undefined) query = query.where("position", "<", before);
  if (device !== undefined) query = query.where("device", "=", device);
  if (type !== undefined) query = query.where("type", "=", type);
  if (from !== undefined) query = query.where("occurred_at", ">=", from);
  if (to !== undefined) query = query.where("occurred_at", "<", to);
  const rows = await query.execute();
  const events = rows.slice(0, limit);
  const last = events.at(-1);
  if (backwards) events.reverse();
  return rows.length > limit && last ? { events, next: last.position } : { events };
}
