import { sql } from "kysely";

/** What a seismic detection is called. */
export const PICK = "pick";

/**
 * Whether the device of a row of `events` was active when that was taken: whether the last that liveness said of it
 * before, in the log, was that it became active. Of a device of which it has said nothing: no.
 *
 * It is asked when a pick is read and not written with it, so that it cannot depend on how the log was cut into pulls,
 * and costs no ingest; `events_liveness` answers it.
 */
export const contributes = (schema: string) => sql<boolean>`coalesce((
  SELECT l.type = 'DeviceBecameActive' FROM ${sql.id(schema, "events")} AS l
   WHERE l.issuer = 'liveness' AND l.type IN ('DeviceBecameActive', 'DeviceBecameInactive')
     AND l.namespace = events.namespace AND l.device = events.device AND l.position < events.position
   ORDER BY l.position DESC LIMIT 1), false)`;
