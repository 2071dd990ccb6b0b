import { instantOfSeconds } from "@fieldlog/events";
import type { ReadDatabase } from "@fieldlog/read-model";
import { type RawBuilder, sql } from "kysely";

// biome-ignore lint/suspicious/noExplicitAny: each query names its tables itself
export type Database = ReadDatabase<any>;

/** A page of what a device sent, by its own clock: always in ascending order. */
export interface PageAsked {
  readonly namespace: string;
  readonly device: string;
  /** The last ones before the cursor (or of all), else the first ones after it (or of all). */
  readonly previous: boolean;
  /** s since 1970 UTC, exclusive. */
  readonly cursor?: number;
  readonly limit: number;
}

/** The rows among which the page is. The time that is cut to milliseconds finds them, the exact one decides. */
export function rowsAsked({ namespace, device, previous, cursor }: PageAsked): RawBuilder<unknown> {
  const own = sql`namespace = ${namespace} AND device = ${device}`;
  if (cursor === undefined) return own;
  const near = instantOfSeconds(cursor);
  return previous
    ? sql`${own} AND occurred_at <= ${near} AND seconds < ${cursor}`
    : sql`${own} AND occurred_at >= ${near} AND seconds > ${cursor}`;
}

/** How a page is read: the way that it goes from its cursor. */
export function direction({ previous }: PageAsked): RawBuilder<unknown> {
  return previous ? sql`DESC` : sql`ASC`;
}
