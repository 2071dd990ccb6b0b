import { instant, millisOfSeconds } from "@fieldlog/events";
import type { LogRecord, ReadModelTransaction } from "@fieldlog/read-model";
import { sql } from "kysely";
import { numberArray, textArray } from "../postgres-array.js";
import type { Readings } from "./read.js";

/**
 * Sums stop here, and values beyond count as this: so that no sum leaves what a double holds, neither here
 * nor in Postgres, which would refuse it.
 */
export const MOST = 8e307;
const HOUR_MS = 3_600_000;

/** What a pull adds to one attribute of a device in one hour. */
export interface HourChange {
  readonly namespace: string;
  readonly device: string;
  readonly attribute: string;
  /** Its begin: ms since 1970 UTC. */
  readonly hour: number;
  /** In the order of the log, each within {@link MOST}. */
  readonly values: number[];
  min: number;
  max: number;
  lastValue: number;
  lastSeconds: number;
  /** ms since 1970 UTC, of the newest. */
  receivedAt: number;
}

/** What is no number is left out. */
export function hourChanges(records: readonly LogRecord<Readings>[]): HourChange[] {
  const changes = new Map<string, HourChange>();
  for (const { namespace, key: device, value: readings } of records) {
    for (const { seconds, attributes, values } of readings.measurements) {
      const hour = Math.floor(millisOfSeconds(seconds) / HOUR_MS) * HOUR_MS;
      for (let i = 0; i < attributes.length; i++) {
        const value = values[i] as number;
        if (Number.isNaN(value)) continue;
        const attribute = attributes[i] as string;
        const at = `${hour} ${namespace}\0${device}\0${attribute}`;
        const change = changes.get(at);
        if (change) add(change, value, seconds, readings.receivedAt);
        else {
          changes.set(at, {
            ...{ namespace, device, attribute, hour, values: [bounded(value)], min: value, max: value },
            ...{ lastValue: value, lastSeconds: seconds, receivedAt: readings.receivedAt },
          });
        }
      }
    }
  }
  return [...changes.values()];
}

function add(change: HourChange, value: number, seconds: number, receivedAt: number): void {
  change.values.push(bounded(value));
  if (value < change.min) change.min = value;
  if (value > change.max) change.max = value;
  if (seconds >= change.lastSeconds) {
    change.lastSeconds = seconds;
    change.lastValue = value;
  }
  if (receivedAt > change.receivedAt) change.receivedAt = receivedAt;
}

/** The sum of values in their order, as Postgres adds one at a time to what it has. */
export function addAll(sum: number, values: readonly number[]): number {
  let total = sum;
  for (const value of values) total = bounded(total + value);
  return total;
}

function bounded(value: number): number {
  return Math.min(Math.max(value, -MOST), MOST);
}

/**
 * Adds to the table. Doubles do not add up to the same in another order, so a sum takes in one value after
 * the other, in the order of the log: where a pull has one for an hour, Postgres adds it; where it has more,
 * they are added here to what Postgres has.
 */
export async function addHours(tx: ReadModelTransaction, changes: readonly HourChange[]): Promise<void> {
  const single = changes.filter(({ values }) => values.length === 1);
  const several = changes.filter(({ values }) => values.length > 1);
  if (several.length > 0) await store(tx, several, await sumsAfter(tx, several), "excluded");
  if (single.length > 0) {
    await store(
      tx,
      single,
      single.map(({ values }) => values[0] as number),
      "added",
    );
  }
}

async function store(
  tx: ReadModelTransaction,
  changes: readonly HourChange[],
  sums: readonly number[],
  sum: "added" | "excluded",
): Promise<void> {
  const texts = (of: (change: HourChange) => string) => textArray(changes.map(of));
  const numbers = (of: (change: HourChange) => number) => numberArray(changes.map(of));
  const most = sql.lit(MOST);
  const newSum =
    sum === "excluded"
      ? sql`excluded.sum`
      : sql`greatest(-${most}::float8, least(${most}::float8, a.sum + excluded.sum))`;
  await sql`
    INSERT INTO measurement_hours AS a
      (namespace, device, attribute, hour, count, sum, min, max, last_value, last_seconds, received_at)
    SELECT namespace, device, attribute, to_timestamp(hour),
           count, sum, min, max, last_value, last_seconds, received_at
      FROM unnest(
        ${texts((one) => one.namespace)}::text[], ${texts((one) => one.device)}::text[],
        ${texts((one) => one.attribute)}::text[], ${numbers((one) => one.hour / 1_000)}::float8[],
        ${numbers((one) => one.values.length)}::bigint[], ${numberArray(sums)}::float8[],
        ${numbers((one) => one.min)}::float8[], ${numbers((one) => one.max)}::float8[],
        ${numbers((one) => one.lastValue)}::float8[], ${numbers((one) => one.lastSeconds)}::float8[],
        ${texts((one) => instant(one.receivedAt))}::timestamptz[]
      ) AS pull (namespace, device, attribute, hour,
                 count, sum, min, max, last_value, last_seconds, received_at)
    ON CONFLICT (namespace, device, attribute, hour) DO UPDATE SET
      count = a.count + excluded.count,
      sum = ${newSum},
      min = CASE WHEN excluded.min < a.min THEN excluded.min ELSE a.min END,
      max = CASE WHEN excluded.max > a.max THEN excluded.max ELSE a.max END,
      last_value = CASE WHEN excluded.last_seconds >= a.last_seconds THEN excluded.last_value ELSE a.last_value END,
      last_seconds = greatest(a.last_seconds, excluded.last_seconds),
      received_at = greatest(a.received_at, excluded.received_at)`.execute(tx.db);
}

/** Locks the rows: retention must not take one away before it is written again. */
async function sumsAfter(tx: ReadModelTransaction, changes: readonly HourChange[]): Promise<number[]> {
  const texts = (of: (change: HourChange) => string) => textArray(changes.map(of));
  // A query of its own for each, so that no plan reads the table through.
  const { rows } = await sql<{ sum: number | null }>`
    SELECT (SELECT a.sum FROM measurement_hours AS a
             WHERE a.namespace = pull.namespace AND a.device = pull.device
               AND a.attribute = pull.attribute AND a.hour = to_timestamp(pull.hour)
               FOR NO KEY UPDATE) AS sum
      FROM unnest(
        ${texts((one) => one.namespace)}::text[], ${texts((one) => one.device)}::text[],
        ${texts((one) => one.attribute)}::text[],
        ${numberArray(changes.map(({ hour }) => hour / 1_000))}::float8[]
      ) WITH ORDINALITY AS pull (namespace, device, attribute, hour, nr)
     ORDER BY nr`.execute(tx.db);
  return changes.map(({ values }, i) => {
    const sum = rows[i]?.sum ?? undefined;
    return sum === undefined ? addAll(values[0] as number, values.slice(1)) : addAll(sum, values);
  });
}
