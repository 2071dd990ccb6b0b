import { setTimeout as delay } from "node:timers/promises";
import { Kysely, PostgresDialect, type PostgresPool, sql } from "kysely";
import pg from "pg";
import type { Bookkeeping } from "./bookkeeping.js";
import type { Advance } from "./checkpoint.js";
import { columnTypes } from "./database.js";
import { Turns } from "./turns.js";

const CONNECT_MS = 5_000;
const CLOSE_MS = 1_000;
/** Milliseconds that the answer to whether the lock is free may take. */
const ANSWER_MS = 5_000;
/** Milliseconds between two looks whether Postgres has the session still, and without any answer until it counts as lost. */
const LOOK_MS = 5_000;
const SILENT_MS = 20_000;

/**
 * asynchronous commit: the log is the truth, so the tail that a crash of Postgres takes is applied again.
 * The time limits end the session, and with it the lock, of a process that hangs or of a machine that is gone.
 */
const SETTINGS = `
  SET synchronous_commit = off;
  SET idle_in_transaction_session_timeout = '30s';
  SET tcp_keepalives_idle = 5;
  SET tcp_keepalives_interval = 2;
  SET tcp_keepalives_count = 3;
  SET tcp_user_timeout = '11s';
  SET timezone = 'UTC';
  SET jit = off`;

export interface SessionOptions {
  readonly url: string;
  /** The service's schema, which holds the bookkeeping. */
  readonly schema: string;
  /** Where the tables are that it writes, and where names without a prefix lead. Default: `schema`. */
  readonly tables?: string;
  readonly name: string;
}

/** The one connection that writes a read model, and that holds its lock. */
export class WritingSession {
  /** One transaction at a time. */
  readonly turns = new Turns();
  /** Bound to this connection and the schema of the tables. */
  readonly db: Kysely<unknown>;
  /** Bound to this connection and the service's schema. */
  readonly bookkeeping: Kysely<Bookkeeping>;
  private failure: Error | undefined;
  /** The server's process, once it holds a lock. */
  private pid = 0;
  private readonly onLost = new Set<(error: Error) => void>();

  private constructor(
    readonly client: pg.Client,
    /** Of the tables that it writes. */
    readonly schema: string,
    serviceSchema: string,
  ) {
    const db = kyselyOn(client);
    this.db = db.withSchema(schema);
    this.bookkeeping = db.withSchema(serviceSchema);
    client.on("error", (error) => this.lose(error));
    client.on("end", () => this.lose(new Error("the connection to Postgres ended")));
  }

  static async open(options: SessionOptions): Promise<WritingSession> {
    const client = new pg.Client({
      connectionString: options.url,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      types: columnTypes,
      application_name: `fieldlog ${options.name}`,
    });
    const tables = options.tables ?? options.schema;
    const session = new WritingSession(client, tables, options.schema);
    try {
      await client.connect();
      await client.query(`${SETTINGS}; SET search_path = ${pg.escapeIdentifier(tables)}`);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** True when this session now holds the lock. Waits for nobody. */
  async tryLock(key: string): Promise<boolean> {
    const { rows } = await this.client.query<{ locked: boolean; pid: number }>({
      text: "SELECT pg_try_advisory_lock($1::bigint) AS locked, pg_backend_pid() AS pid",
      ...{ values: [key], query_timeout: ANSWER_MS },
    });
    this.pid = rows[0]?.pid ?? 0;
    return rows[0]?.locked === true;
  }

  /**
   * Loses the session, with what waits for it, when Postgres has given up its lock, or does not answer at all, for as long
   * as it is open: the end of a connection is not always told. Others are asked, since this one may be at work for long.
   */
  async watch(others: Kysely<Bookkeeping>): Promise<void> {
    let answeredAt = performance.now();
    for (;;) {
      await delay(LOOK_MS, undefined, { ref: false });
      if (this.lost) return;
      const holds = await this.isHeld(others).catch(() => undefined);
      if (holds !== undefined) answeredAt = performance.now();
      if (holds === false) this.abandon("Postgres has ended the session");
      else if (performance.now() - answeredAt > SILENT_MS) this.abandon("Postgres does not answer");
    }
  }

  /**
   * Runs `work` in a transaction; rolls it back when it throws.
   *
   * @param advance moves the checkpoint along with BEGIN, which saves a round trip
   */
  async transaction<R>(work: () => Promise<R>, advance?: Advance): Promise<R> {
    try {
      if (advance) await advance.begin(this.client);
      else await this.client.query("BEGIN");
      const result = await work();
      const { command } = await this.client.query("COMMIT");
      // Postgres answers ROLLBACK to the COMMIT of a transaction in which a statement failed.
      if (command !== "COMMIT") throw new Error("a statement of the transaction failed and was not noticed");
      return result;
    } catch (error) {
      if (!this.lost) await this.client.query("ROLLBACK").catch((failed: Error) => this.lose(failed));
      throw error;
    }
  }

  get lost(): Error | undefined {
    return this.failure;
  }

  /** Rejects when the connection is lost; resolves with the signal. */
  untilLost(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return resolve();
      if (this.failure) return reject(this.failure);
      this.onLost.add(reject);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Ends the connection, in any state and at the latest after a second; raises nothing. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.destroy(), CLOSE_MS);
    await this.client.end().catch(() => undefined);
    clearTimeout(late);
  }

  private async isHeld(others: Kysely<Bookkeeping>): Promise<boolean> {
    const { rows } = await sql<{ held: boolean }>`
      SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = ${this.pid}) AS held
    `.execute(others);
    return rows[0]?.held === true;
  }

  private abandon(reason: string): void {
    this.lose(new Error(reason));
    this.destroy();
  }

  private destroy(): void {
    const { connection } = this.client as unknown as { connection: { stream: { destroy(): void } } };
    connection.stream.destroy();
  }

  private lose(error: Error): void {
    this.failure ??= error;
    for (const tell of this.onLost) tell(this.failure);
    this.onLost.clear();
  }
}

function kyselyOn(client: pg.Client): Kysely<unknown> {
  const connection = {
    query: (text: string, values: unknown[]) => client.query(text, values),
    release: () => undefined,
  };
  const pool = { connect: async () => connection, end: async () => undefined, options: {} };
  return new Kysely({ dialect: new PostgresDialect({ pool: pool as unknown as PostgresPool }) });
}
