import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import { indexable } from "../storable.js";
import { contributes, PICK } from "./contributing.js";
import type { EventTables } from "./tables.js";

type Database = Pick<ReadDatabase<EventTables>, "db" | "schema">;

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
  /** Of the sensor that caused it. */
  readonly sensorType?: string;
  readonly issuer?: string;
  /** Nothing that the platform itself says. */
  readonly reported?: boolean;
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
  /** Of a pick; else null. */
  readonly contributing: boolean | null;
  /** Where it happened, else where its device is: as a number; null: not known. */
  readonly geocell: number | null;
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
export async function pageOfEvents(database: Database, asked: EventsAsked): Promise<EventPage> {
  const { after, before, limit } = asked;
  const backwards = before !== undefined && after === undefined;
  const rows = await chosen(database, asked)
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
  database: Database,
  { limit, offset, ...asked }: NewestAsked,
): Promise<EventFound[]> {
  const query = chosen(database, { ...asked, limit })
    .orderBy("position", "desc")
    .limit(limit)
    .offset(offset);
  return (await query.execute()).reverse();
}

/** Where the device of a row of `events` is: by its last heartbeat that told, else by its metadata. */
const deviceCell = (schema: string) => sql<number | null>`coalesce(
  (SELECT a.geocell FROM ${sql.id(schema, "activity")} AS a WHERE a.namespace = events.namespace AND a.device = events.device),
  (SELECT d.geocell FROM ${sql.id(schema, "devices")} AS d WHERE d.namespace = events.namespace AND d.id = events.device))`;

function chosen({ db, schema }: Database, asked: EventsAsked) {
  const { namespace, after, before, device, type, from, to, anyOf, sensorType, issuer, reported } = asked;
  let query = db
    .selectFrom("events")
    .select(["position", "device", "identity", "type", "occurred_at", "received_at"])
    .select(["action", "value", "place", "data_bytes"])
    .select([
      sql<string | null>`data::text`.as("data"),
      sql<string | null>`attributes::text`.as("attributes"),
      sql<boolean | null>`CASE WHEN type = ${PICK} THEN ${contributes(schema)} END`.as("contributing"),
      sql<number | null>`coalesce(geocell, ${deviceCell(schema)})`.as("geocell"),
    ])
    .where("namespace", "=", namespace);
  if (after !== undefined) query = query.where("position", ">", after);
  if (before !== undefined) query = query.where("position", "<", before);
  if (device !== undefined) query = query.where("device", "=", device);
  if (type !== undefined) query = query.where("type", "=", type);
  if (from !== undefined) query = query.where("occurred_at", ">=", from);
  if (to !== undefined) query = query.where("occurred_at", "<", to);
  if (sensorType !== undefined) query = query.where("sensor_type", "=", indexable(sensorType));
  if (issuer !== undefined) query = query.where("issuer", "=", issuer);
  if (reported) query = query.where("issuer", "is", null);
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
