import { limits } from "@fieldlog/contracts";
import { Kysely, PostgresDialect, type PostgresPool } from "kysely";
import pg from "pg";
import type { Registry } from "prom-client";
import type { Bookkeeping } from "./bookkeeping.js";
import { observePool } from "./pool-metrics.js";

export interface ReadDatabaseOptions {
  /** postgres://… */
  readonly url: string;
  /** The service's schema, in which its tables and the runners' bookkeeping live. */
  readonly schema: string;
  /** Connections for queries. Default 8. */
  readonly connections?: number;
  /** Milliseconds after which Postgres gives up a query. Default 5,000, as the calls that queries serve. */
  readonly queryTimeoutMs?: number;
  readonly metrics?: Registry;
  /** Told when an idle connection breaks; the next query opens a new one. */
  readonly onError?: (error: Error) => void;
}

/** What runners need of a service's Postgres, whatever its tables are. */
export type RunnersDatabase = Pick<ReadDatabase<unknown>, "url" | "schema" | "bookkeeping">;

/** A service's Postgres: what its queries use. Runners write over sessions of their own. */
export interface ReadDatabase<Tables> {
  readonly url: string;
  readonly schema: string;
  readonly pool: pg.Pool;
  /** Bound to the schema; names need no prefix. */
  readonly db: Kysely<Tables>;
  /** Of the runners; bound to the schema as well. */
  readonly bookkeeping: Kysely<Bookkeeping>;
  close(): Promise<void>;
}

const INT8 = 20;
/** Milliseconds that Postgres has to say that it has given up a query, until its connection is. */
const LATE_MS = 2_000;

/** Positions, sequences and counts stay below 2^53, so bigint columns are read as plain numbers. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === INT8 ? Number : pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

/** Connects at the first query, again after every loss; a query while Postgres is away rejects. */
export function openReadDatabase<Tables>(options: ReadDatabaseOptions): ReadDatabase<Tables> {
  const { queryTimeoutMs = limits.rpcDeadlineMs } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connections ?? 8,
    connectionTimeoutMillis: 5_000,
    statement_timeout: queryTimeoutMs,
    keepAlive: true,
    types: columnTypes,
    application_name: `fieldlog ${options.schema} queries`,
  });
  const onError = (error: Error) => options.onError?.(error);
  pool.on("error", onError);
  // The pool listens to a connection only while it is idle. One that breaks after it was taken and before its
  // query was sent would have nobody to tell, which ends a Node process.
  pool.on("connect", (client) => client.on("error", onError));
  if (options.metrics) observePool(options.metrics, options.schema, pool);
  const dialect = new PostgresDialect({ pool: limited(pool, queryTimeoutMs + LATE_MS) });
  const queries = <T>() => new Kysely<T>({ dialect }).withSchema(options.schema);
  let closing: Promise<void> | undefined;
  return {
    url: options.url,
    schema: options.schema,
    pool,
    db: queries<Tables>(),
    bookkeeping: queries<Bookkeeping>(),
    close: () => {
      closing ??= pool.end();
      return closing;
    },
  };
}

/**
 * The pool without connections that do not answer within the milliseconds, which is not always told of them, or that end
 * in the midst of a query.
 */
function limited(pool: pg.Pool, ms: number): PostgresPool {
  const connect = async () => {
    const client = await pool.connect();
    let failed: Error | undefined;
    const query = (text: string, values: readonly unknown[]) =>
      client
        .query({ text, values: [...values], query_timeout: ms } as pg.QueryConfig)
        .catch((error: Error) => {
          if (!(error instanceof pg.DatabaseError)) failed = error;
          throw error;
        });
    return { query, release: (destroy?: boolean) => client.release(failed ?? destroy) };
  };
  return { connect, end: () => pool.end(), options: {} } as object as PostgresPool;
}
