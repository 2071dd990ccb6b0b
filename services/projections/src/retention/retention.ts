import { setTimeout as delay } from "node:timers/promises";
import { LogUnavailable } from "@fieldlog/event-log";
import { isDatabaseAway, LeasedWork, type ReadDatabase, type ReadModelRunner } from "@fieldlog/read-model";
import { type Counter, counter, type Logger, type Registry } from "@fieldlog/runtime";
import { sql } from "kysely";
import { dropEmptyPartitions, forgetSome, placesOf } from "./forget.js";
import { type AgingTable, type Kept, rulesFor } from "./rules.js";

const FIRST_MS = 30_000;
const EVERY_MS = 3_600_000;
/** After a run that could not be done. */
const AGAIN_MS = 60_000;
/** Milliseconds after which a run ends; the next one goes on. */
const RUN_MS = 30 * 60_000;

export interface RetentionOptions {
  // biome-ignore lint/suspicious/noExplicitAny: tables are named by what is passed
  readonly database: ReadDatabase<any>;
  /** The read model that knows how long is kept what. */
  readonly rules: Pick<ReadModelRunner<never>, "status">;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Milliseconds from the start to the first run. Default 30,000. */
  readonly firstMs?: number;
  readonly now?: () => number;
}

/**
 * Deletes what namespaces no longer keep, every hour, on one replica at a time. The log keeps all, so a read
 * model that is built anew has it again until the next run. Age counts from when an edge took it: a device's
 * clock may say anything.
 */
export class Retention {
  private readonly leased: LeasedWork;
  private readonly deleted: Counter<"table">;

  constructor(private readonly options: RetentionOptions) {
    this.deleted = counter(options.metrics, {
      name: "fieldlog_retention_deleted_rows_total",
      help: "Rows deleted because their namespace no longer keeps them.",
      labelNames: ["table"],
    });
    const { database, logger } = options;
    const lease = { url: database.url, schema: database.schema, name: "retention", logger };
    this.leased = new LeasedWork(lease, (held) => this.serve(held));
  }

  /** Returns at once. */
  async start(): Promise<void> {
    this.leased.start();
  }

  stop(): Promise<void> {
    return this.leased.stop();
  }

  private async serve(signal: AbortSignal): Promise<void> {
    let pause = this.options.firstMs ?? FIRST_MS;
    for (;;) {
      await delay(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      pause = (await this.run(signal)) ? EVERY_MS : AGAIN_MS;
    }
  }

  /** False: it could not be done, and is worth another try soon. */
  private async run(signal: AbortSignal): Promise<boolean> {
    const { logger, rules } = this.options;
    try {
      // As long as a rule may be missing nothing is deleted.
      if ((await rules.status()).state !== "live") return false;
      await this.forget(signal);
      return true;
    } catch (err) {
      if (isDatabaseAway(err) || err instanceof LogUnavailable) logger.info({ err }, "retention waits");
      else logger.error({ err }, "retention failed");
      return false;
    }
  }

  private async forget(signal: AbortSignal): Promise<void> {
    const { database, logger, now = Date.now } = this.options;
    const { db, schema } = database;
    const until = performance.now() + RUN_MS;
    const { rows: kept } = await sql<Kept>`
      SELECT id, measurement_days, log_days FROM ${sql.id(schema, "namespaces")}`.execute(db);
    const deleted = new Map<AgingTable, number>();
    for (const rule of rulesFor(kept, now())) {
      for (const place of await placesOf(db, schema, rule.table)) {
        for (let more = true; more; ) {
          if (signal.aborted || performance.now() > until) return;
          const since = performance.now();
          const step = await forgetSome(db, schema, place, rule);
          more = step.more;
          this.deleted.inc({ table: rule.table }, step.deleted);
          deleted.set(rule.table, (deleted.get(rule.table) ?? 0) + step.deleted);
          // Half of the time is for others.
          if (more) await delay(performance.now() - since, undefined, { signal }).catch(() => undefined);
        }
      }
    }
    const dropped = await dropEmptyPartitions(db, schema, now());
    logger.info({ deleted: Object.fromEntries(deleted), dropped }, "retention");
  }
}
