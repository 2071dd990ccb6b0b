import { GEOCELL_BITS, numbersIn } from "@fieldlog/geocells";
import type { ReadDatabase } from "@fieldlog/read-model";
import { type RawBuilder, sql } from "kysely";
import type { DeviceTables } from "../devices/definition.js";
import { contributes, PICK } from "./contributing.js";
import type { EventTables } from "./tables.js";

export interface CountsAsked {
  readonly namespace: string;
  /** Occurred at or after. */
  readonly from?: Date;
  /** Occurred before. */
  readonly to?: Date;
  /** Absent: what devices reported, whatever it is; what the platform says of them is left out. */
  readonly type?: string;
  readonly device?: string;
  /** What is counted apart; absent: nothing. */
  readonly by?: { readonly sensor: true } | { readonly geocell: number };
  /** Only what happened in this cell. */
  readonly within?: string;
  /** Only picks that contribute. */
  readonly contributing: boolean;
  readonly limit: number;
  /** A key, exclusive. */
  readonly after?: string;
}

export interface Counted {
  /** `<device>/<sensor>`, or a geocell; where it is not known `?`. Empty: all. */
  readonly key: string;
  readonly events: number;
  readonly mobile_devices: number;
  readonly static_devices: number;
  /** By sensor: what its device's last heartbeat with rates said of it. */
  readonly reported: { readonly eventCount: number; readonly windowS: number } | null;
}

export interface CountPage {
  /** By key. */
  readonly counts: Counted[];
  /** Key to go on from; absent: there is no more. */
  readonly next?: string;
}

/**
 * Events of a window and the devices that caused them. First it is counted by what stands in the events, then what is
 * known of the devices is added: to some thousand rows, and not to each event.
 */
export async function countEvents(
  { db, schema }: Pick<ReadDatabase<EventTables & DeviceTables>, "db" | "schema">,
  asked: CountsAsked,
): Promise<CountPage> {
  const { namespace, by, within, after = "", limit } = asked;
  const counted = sql`
    SELECT device, ${partOf(by)} AS part, geocell IS NULL AS nowhere, count(*) AS events
      FROM ${sql.id(schema, "events")} WHERE ${conditions(schema, asked)} GROUP BY device, part, nowhere`;
  const { rows } = await sql<Counted>`
    SELECT key, sum(events)::bigint AS events,
           count(DISTINCT device) FILTER (WHERE mobile) AS mobile_devices,
           count(DISTINCT device) FILTER (WHERE NOT mobile) AS static_devices,
           min(reported)::json AS reported
      FROM (
        SELECT c.device, c.events, coalesce(d.mobile, false) AS mobile, ${keyOf(by)} COLLATE "C" AS key,
               ${reportedOf(by)} AS reported
          FROM (${counted}) AS c
          LEFT JOIN ${sql.id(schema, "devices")} AS d ON d.namespace = ${namespace} AND d.id = c.device
          LEFT JOIN ${sql.id(schema, "activity")} AS a ON a.namespace = ${namespace} AND a.device = c.device
         WHERE ${within === undefined ? sql`true` : sql`NOT c.nowhere OR ${isIn(DEVICE_CELL, within)}`}
      ) AS k
     WHERE key > ${after} OR ${after} = ''
     GROUP BY key ORDER BY key LIMIT ${limit + 1}`.execute(db);
  if (by === undefined && rows.length === 0) return { counts: [NOTHING] };
  const counts = rows.slice(0, limit);
  const next = counts.at(-1)?.key;
  return rows.length > limit && next !== undefined ? { counts, next } : { counts };
}

const NOTHING: Counted = { key: "", events: 0, mobile_devices: 0, static_devices: 0, reported: null };

function conditions(schema: string, asked: CountsAsked): RawBuilder<unknown> {
  const { namespace, from, to, type, device, within, contributing } = asked;
  const all = [sql`namespace = ${namespace}`];
  if (from !== undefined) all.push(sql`occurred_at >= ${from}`);
  if (to !== undefined) all.push(sql`occurred_at < ${to}`);
  all.push(type === undefined ? sql`issuer IS NULL` : sql`type = ${type}`);
  if (device !== undefined) all.push(sql`device = ${device}`);
  if (within !== undefined) all.push(sql`(geocell IS NULL OR ${isIn(sql`geocell`, within)})`);
  if (contributing) all.push(sql`type = ${PICK} AND ${contributes(schema)}`);
  return sql.join(all, sql` AND `);
}

function isIn(cell: RawBuilder<unknown>, within: string): RawBuilder<unknown> {
  const { first, last } = numbersIn(within);
  return sql`${cell} BETWEEN ${first}::bigint AND ${last}::bigint`;
}

/** Where a device is: by its last heartbeat that told, else by its metadata. */
const DEVICE_CELL = sql`coalesce(a.geocell, d.geocell)`;

/** What stands in an event and is counted apart. */
function partOf(by: CountsAsked["by"]): RawBuilder<unknown> {
  if (by === undefined) return sql`NULL::text`;
  return "sensor" in by ? sql`sensor` : sql`geocell >> ${shift(by.geocell)}`;
}

function keyOf(by: CountsAsked["by"]): RawBuilder<unknown> {
  if (by === undefined) return sql`''::text`;
  if ("sensor" in by) return sql`c.device || '/' || coalesce(c.part, '?')`;
  const cell = sql`coalesce(c.part, ${DEVICE_CELL} >> ${shift(by.geocell)})`;
  return sql`coalesce(right(${cell}::bit(48)::text, ${sql.lit(by.geocell)}), '?')`;
}

function reportedOf(by: CountsAsked["by"]): RawBuilder<unknown> {
  if (by === undefined || !("sensor" in by)) return sql`NULL::text`;
  return sql`(SELECT r::text FROM jsonb_array_elements(a.rates) AS r WHERE r ->> 'sensor' = c.part LIMIT 1)`;
}

const shift = (bits: number) => sql.lit(GEOCELL_BITS - bits);
