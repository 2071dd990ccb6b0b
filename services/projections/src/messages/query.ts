import type { ReadDatabase } from "@fieldlog/read-model";
import { type RawBuilder, sql } from "kysely";
import type { MessageRow } from "./tables.js";
import { type TopicSearch, topicSearch } from "./topic-filter.js";

// biome-ignore lint/suspicious/noExplicitAny: each query names its tables itself
type Database = ReadDatabase<any>;

export type MessageFound = Pick<
  MessageRow,
  "position" | "device" | "topic" | "received_at" | "payload" | "publication"
>;

export interface MessagePage<Cursor> {
  readonly messages: MessageFound[];
  /** What to go on after; absent: there is no more. */
  readonly next?: Cursor;
}

/** Rows that one call looks at to find those that a filter with wildcards matches. */
const LOOKED_AT = 20_000;
/** Bytes of payload in one page, unless a single one is larger. */
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * Messages whose topic the filter matches, in the order of their positions. A page may be shorter than `limit`,
 * even empty, and yet not be the last one: the work of one call is bounded.
 *
 * @param after position, exclusive
 * @throws InvalidFilter
 */
export async function pageOfMessages(
  { db, schema }: Database,
  asked: { namespace: string; filter: string; after?: number; limit: number },
): Promise<MessagePage<number>> {
  const { namespace, filter, limit, after = 0 } = asked;
  const search = topicSearch(filter);
  const own = sql`${sql.id(schema, "messages")} WHERE namespace = ${namespace} AND position > ${after}`;
  return await pageOf<number>(db, { own, search, order: "position", limit });
}

/**
 * The retained messages whose topic the filter matches and that have not expired, by topic; in pages like these.
 *
 * @param after topic, exclusive
 * @throws InvalidFilter
 */
export async function pageOfRetained(
  { db, schema }: Database,
  asked: { namespace: string; filter: string; after: string; limit: number },
): Promise<MessagePage<string>> {
  const { namespace, filter, after, limit } = asked;
  const search = topicSearch(filter);
  const own = sql`${sql.id(schema, "retained")}
    WHERE namespace = ${namespace} AND topic > ${after} AND (expires_at IS NULL OR expires_at > now())`;
  return await pageOf<string>(db, { own, search, order: "topic", limit });
}

function matches(search: TopicSearch): RawBuilder<unknown> {
  switch (search.kind) {
    case "all":
      return sql`true`;
    case "exact":
      return sql`topic = ${search.topic}`;
    case "pattern": {
      const pattern = sql`topic ~ ${search.pattern}`;
      return search.prefix === "" ? pattern : sql`topic ^@ ${search.prefix} AND ${pattern}`;
    }
  }
}

interface PageOf {
  /** Table and condition, from the cursor on. */
  readonly own: RawBuilder<unknown>;
  readonly search: TopicSearch;
  readonly order: "position" | "topic";
  readonly limit: number;
}

/** As many rows as are asked for and fit; of those that are looked at, if the filter has wildcards. */
async function pageOf<Cursor extends number | string>(
  db: Database["db"],
  { own, search, order, limit }: PageOf,
): Promise<MessagePage<Cursor>> {
  const by = sql.id(order);
  let last: Cursor | undefined;
  if (search.kind === "pattern") {
    const { rows } = await sql<{ last: Cursor }>`
      SELECT ${by} AS last FROM ${own} ORDER BY ${by} OFFSET ${LOOKED_AT - 1} LIMIT 1`.execute(db);
    last = rows[0]?.last;
  }
  const upTo = last === undefined ? sql`` : sql` AND ${by} <= ${last}`;
  const { rows } = await sql<MessageFound & { found: number }>`
    SELECT position, device, topic, received_at, payload, publication, found
      FROM (
        SELECT *, row_number() OVER (ORDER BY ${by}) AS nr, count(*) OVER () AS found,
               sum(octet_length(payload)) OVER (ORDER BY ${by}) AS bytes
          FROM (SELECT * FROM ${own}${upTo} AND ${matches(search)} ORDER BY ${by} LIMIT ${limit + 1}) AS first
      ) AS measured
     WHERE nr = 1 OR (nr <= ${limit} AND bytes <= ${PAGE_BYTES})
     ORDER BY ${by}`.execute(db);
  const more = (rows[0]?.found ?? 0) > rows.length;
  const next = more ? (rows.at(-1)?.[order] as Cursor | undefined) : last;
  return next === undefined ? { messages: rows } : { messages: rows, next };
}
