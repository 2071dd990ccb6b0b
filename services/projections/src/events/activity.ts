import { limits, type signals } from "@fieldlog/contracts";
import { instant, type ReportedLocation } from "@fieldlog/events";
import { geocellNumber } from "@fieldlog/geocells";
import type { LogRecord, ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Reported } from "./reported.js";

/** What a pull adds to one device's activity. */
export interface Summary {
  readonly namespace: string;
  readonly device: string;
  /** ms since 1970 UTC. */
  lastSeenAt: number;
  newEvents: number;
  /** In the order of the log, resent ones included. */
  readonly heartbeats: {
    identity: string;
    heartbeat: signals.Heartbeat;
    location?: ReportedLocation | undefined;
  }[];
}

export interface Heartbeats {
  readonly status: string;
  readonly rates: readonly { sensor: string; eventCount: number; windowS: number }[];
  readonly recent: readonly string[];
  /** Of the last one that told where its device is. */
  readonly geocell: number | null;
}

/**
 * What the platform says of a device (it became inactive, it was asked to sample) is nothing that the device did.
 *
 * @param isNew whether an event was not there before, under another position
 */
export function summarize(
  records: readonly LogRecord<Reported>[],
  isNew: (position: number) => boolean,
): Summary[] {
  const summaries = new Map<string, Summary>();
  for (const { namespace, key: device, position, value } of records) {
    if (value.body.case === "event" && value.body.value.issuer !== "") continue;
    const at = `${namespace}\0${device}`;
    let summary = summaries.get(at);
    if (!summary) {
      summary = { namespace, device, lastSeenAt: Number.NEGATIVE_INFINITY, newEvents: 0, heartbeats: [] };
      summaries.set(at, summary);
    }
    summary.lastSeenAt = Math.max(summary.lastSeenAt, Number(value.receivedAt));
    if (value.body.case === "event") {
      if (isNew(position)) summary.newEvents++;
    } else if (value.body.case === "heartbeat") {
      const { identity, location } = value;
      summary.heartbeats.push({ identity, location, heartbeat: value.body.value });
    }
  }
  return [...summaries.values()];
}

/**
 * The state after more heartbeats. One whose identity is among the newest is a resend and changes nothing:
 * as many are remembered as an edge tells apart.
 */
export function beat(
  before: Heartbeats | undefined,
  heartbeats: Summary["heartbeats"],
): { state: Heartbeats; duplicates: number } {
  let { status, rates, recent, geocell } = before ?? NONE;
  const known = new Set(recent);
  let duplicates = 0;
  for (const { identity, heartbeat, location } of heartbeats) {
    if (known.has(identity)) {
      duplicates++;
      continue;
    }
    status = heartbeat.status;
    if (location) geocell = geocellNumber(location.latitude, location.longitude) ?? geocell;
    if (heartbeat.rates.length > 0) {
      rates = heartbeat.rates.map(({ sensor, eventCount, windowS }) => ({ sensor, eventCount, windowS }));
    }
    recent = [...recent, identity].slice(-limits.replayWindowIds);
    known.add(identity);
    if (recent.length < known.size) known.delete(known.values().next().value as string);
  }
  return { state: { status, rates, recent, geocell }, duplicates };
}

const NONE: Heartbeats = { status: "", rates: [], recent: [], geocell: null };

/** Adds summaries to the table, in one statement. */
export async function addActivity(tx: ReadModelTransaction, summaries: readonly Summary[]): Promise<void> {
  const before = await heartbeatsBefore(tx, summaries);
  const states = summaries.map(({ namespace, device, heartbeats }) => {
    if (heartbeats.length === 0) return undefined;
    const { state, duplicates } = beat(before.get(`${namespace}\0${device}`), heartbeats);
    tx.countDuplicates(duplicates);
    return state;
  });
  const column = <V>(of: (summary: Summary) => V) => summaries.map(of);
  const beats = <V>(of: (state: Heartbeats) => V) => states.map((state) => (state ? of(state) : null));
  await sql`
    INSERT INTO activity AS a
      (namespace, device, last_seen_at, event_count, status, rates, recent_heartbeats, geocell)
    SELECT namespace, device, last_seen_at, event_count,
           coalesce(status, ''), coalesce(rates, '[]'), coalesce(recent_heartbeats, '[]'), geocell
      FROM unnest(
        ${column((one) => one.namespace)}::text[], ${column((one) => one.device)}::text[],
        ${column((one) => instant(one.lastSeenAt))}::timestamptz[], ${column((one) => one.newEvents)}::bigint[],
        ${beats((one) => one.status)}::text[], ${beats((one) => JSON.stringify(one.rates))}::jsonb[],
        ${beats((one) => JSON.stringify(one.recent))}::jsonb[], ${beats((one) => one.geocell)}::bigint[]
      ) AS pull (namespace, device, last_seen_at, event_count, status, rates, recent_heartbeats, geocell)
    ON CONFLICT (namespace, device) DO UPDATE SET
      last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at),
      event_count = a.event_count + excluded.event_count,
      status = CASE WHEN excluded.recent_heartbeats = '[]' THEN a.status ELSE excluded.status END,
      rates = CASE WHEN excluded.recent_heartbeats = '[]' THEN a.rates ELSE excluded.rates END,
      geocell = CASE WHEN excluded.recent_heartbeats = '[]' THEN a.geocell ELSE excluded.geocell END,
      recent_heartbeats = CASE WHEN excluded.recent_heartbeats = '[]'
        THEN a.recent_heartbeats ELSE excluded.recent_heartbeats END`.execute(tx.db);
}

async function heartbeatsBefore(
  tx: ReadModelTransaction,
  summaries: readonly Summary[],
): Promise<Map<string, Heartbeats>> {
  const beating = summaries.filter(({ heartbeats }) => heartbeats.length > 0);
  if (beating.length === 0) return new Map();
  const { rows } = await sql<{ namespace: string; device: string } & Heartbeats>`
    SELECT namespace, device, status, rates, recent_heartbeats AS recent, geocell
      FROM unnest(${beating.map((one) => one.namespace)}::text[], ${beating.map((one) => one.device)}::text[])
        AS pull (namespace, device)
      JOIN activity USING (namespace, device)`.execute(tx.db);
  return new Map(rows.map((row) => [`${row.namespace}\0${row.device}`, row]));
}
