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
  /** One of these names, each at one place or anywhere. */
  readonly anyOf?: readonly EventMatch[];
}

export interface EventMatch {
  readonly type: string;
  readonly place?: string | undefined;
}

/** The newest ones, after `offset` newer ones were left out. */
export type NewestAsked = EventsAsked & { readonly offset: number };

export interface EventFound {
  readonly position: number;
  readonly device: string;
  readonly identity: string | null;
  readonly type: string;
  readonly occurred_at: Date;
  readonly received_at: Date;
  readonly data: string | null;
  readonly action: string | null;
  readonly value: string | null;
  readonly place: string | null;
  readonly attributes: string | null;
  readonly data_bytes: Buffer | null;
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
  const { after, before, limit } = asked;
  const backwards = before !== undefined && after === undefined;
  const rows = await chosen(db, asked)
    .orderBy("position", backwards ? "desc" : "asc")
    .limit(limit + 1)
    .execute();
  const events = rows.slice(0, limit);
  const last = events.at(-1);
  if (backwards) events.reverse();
  return rows.length > limit && last ? { events, next: last.position } : { events };
}

/** The newest events that fit, in ascending order of position; `after` and `before` bound them. */
export async function newestEvents(
  db: Kysely<EventTables>,
  { limit, offset, ...asked }: NewestAsked,
): Promise<EventFound[]> {
  const query = chosen(db, { ...asked, limit })
    .orderBy("position", "desc")
    .limit(limit)
    .offset(offset);
  return (await query.execute()).reverse();
}

function chosen(db: Kysely<EventTables>, asked: EventsAsked) {
  const { namespace, after, before, device, type, from, to, anyOf } = asked;
  let query = db
    .selectFrom("events")
    .select(["position", "device", "identity", "type", "occurred_at", "received_at"])
    .select(["action", "value", "place", "data_bytes"])
    .select([
      sql<string | null>`data::text`.as("data"),
      sql<string | null>`attributes::text`.as("attributes"),
    ])
    .where("namespace", "=", namespace);
  if (after !== undefined) query = query.where("position", ">", after);
  if (before !== undefined) query = query.where("position", "<", before);
  if (device !== undefined) query = query.where("device", "=", device);
  if (type !== undefined) query = query.where("type", "=", type);
  if (from !== undefined) query = query.where("occurred_at", ">=", from);
  if (to !== undefined) query = query.where("occurred_at", "<", to);
  if (anyOf !== undefined) {
    query = query.where(({ eb, and, or }) =>
      or(
        anyOf.map(({ type, place }) =>
          and([eb("type", "=", type), ...(place === undefined ? [] : [eb("place", "=", place)])]),
        ),
      ),
    );
  }
  return query;
}
