import { setTimeout as delay } from "node:timers/promises";
import type { Kysely } from "kysely";
import type { Registry } from "prom-client";
import type { Bookkeeping } from "./bookkeeping.js";
import { loadCheckpoint } from "./checkpoint.js";
import type { RunnersDatabase } from "./database.js";
import type { DeadLetterTarget } from "./dead-letters.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";
import { ReadModelStopped, reasonOf } from "./failures.js";
import { lockKey } from "./lock.js";
import { type ReadModelLogger, SILENT } from "./logger.js";
import { type LocalState, ModelMetrics, type Pulled } from "./metrics.js";
import { prepareBookkeeping } from "./migrations.js";
import { Progress } from "./progress.js";
import { RequestFailed, type RequestOutcome, RequestPending, Requests } from "./requests.js";
import { WritingSession } from "./session.js";
import { modelStatus, type ReadModelStatus } from "./status.js";
import { Term } from "./term.js";

/** Milliseconds between two tries to become the active replica, or to reach Postgres again. */
const RETRY_MS = 1_000;
const RETRY_FIRST_MS = 100;
/** Milliseconds between two looks at the checkpoint that another replica moves, while somebody waits for it. */
const FOLLOW_MS = 15;
/** Milliseconds that an operator's request is waited for; under an internal call's deadline. */
const ANSWER_MS = 4_000;

/** Milliseconds that the metrics wait for the log. */
const LOG_MS = 1_000;

export interface ReadModelRunnerOptions<T> {
  readonly log: ReadableLog;
  readonly database: RunnersDatabase;
  readonly definition: ReadModelDefinition<T>;
  readonly logger?: ReadModelLogger;
  readonly metrics?: Registry;
}

/**
 * Keeps a read model true to the log. Of the replicas that run it one is active, the one whose session
 * holds the lock; the others stand by and take over. Whatever is away is waited for.
 */
export class ReadModelRunner<T> {
  private readonly progress = new Progress();
  private readonly requests: Requests;
  private readonly metrics: ModelMetrics;
  private readonly logger: ReadModelLogger;
  private readonly db: Kysely<Bookkeeping>;
  private readonly ending = new AbortController();
  private running: Promise<void> | undefined;
  private term: Term<T> | undefined;
  private standby = false;
  private following: Promise<void> | undefined;
  /** Why there is no term, if not because another replica has it. */
  private trouble: string | undefined = "it has not started";

  constructor(private readonly options: ReadModelRunnerOptions<T>) {
    const { database, definition, metrics, logger = SILENT } = options;
    this.db = database.bookkeeping;
    this.logger = logger;
    this.requests = new Requests(this.db, definition.name);
    this.metrics = new ModelMetrics(metrics, database.schema, definition.name);
  }

  get name(): string {
    return this.options.definition.name;
  }

  /** Returns at once; connects, and connects again, by itself. */
  async start(): Promise<void> {
    if (this.running) return;
    this.running = this.serve();
    const runner = this;
    this.metrics.observe({
      get state() {
        return runner.state();
      },
      get sequence() {
        return runner.sequence;
      },
      get parked() {
        return runner.term?.parked ?? 0;
      },
      logSequence: () => within(LOG_MS, this.options.log.lastSequence(this.options.definition.stream)),
      nextTime: async () => {
        const { log, definition } = this.options;
        return within(
          LOG_MS,
          log.timeAfter?.(definition.stream, runner.sequence) ?? Promise.resolve(undefined),
        );
      },
    });
  }

  /** Ends after the transaction under way; another replica may take over at once. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.following;
  }

  /** The last sequence that this replica knows to be applied. */
  get sequence(): number {
    return this.progress.sequence;
  }

  /** True as soon as the sequence is applied and visible to queries; false after `timeoutMs`. On any replica. */
  async waitFor(sequence: number, timeoutMs: number): Promise<boolean> {
    const reached = this.progress.waitFor(sequence, timeoutMs);
    if (!this.term && this.progress.awaited) this.following ??= this.followOthers();
    return await reached;
  }

  /**
   * Up to which sequence the tables that queries read are true; undefined: they are of another version. On any
   * replica. Asks neither the log nor the active one. Rejects while Postgres is away or the tables are not made.
   */
  async checkpoint(): Promise<number | undefined> {
    const live = await loadCheckpoint(this.db, this.name, "live");
    return live?.version === this.options.definition.version ? live.sequence : undefined;
  }

  /** Has the read model built anew beside the live one, by the active replica; returns when that has begun. */
  async rebuild(): Promise<void> {
    await this.ask("rebuild");
  }

  /**
   * Has a key's dead letters applied, from the oldest on until one cannot be.
   * @throws RequestPending, RequestFailed
   */
  async retryDeadLetters(target: DeadLetterTarget): Promise<RequestOutcome> {
    return await this.ask("retry", target);
  }

  /** Has a key's dead letters forgotten. */
  async dropDeadLetters(target: DeadLetterTarget): Promise<RequestOutcome> {
    return await this.ask("drop", target);
  }

  /** The same on every replica. Rejects while Postgres or the log is away. */
  async status(): Promise<ReadModelStatus> {
    return await modelStatus(this.db, this.options.log, this.options.definition);
  }

  /** Why queries on it cannot be answered in truth, or undefined. */
  async ready(): Promise<string | undefined> {
    if (this.term && !this.term.prepared) return "it is starting";
    return this.term?.reason ?? this.trouble;
  }

  private state(): LocalState {
    if (!this.term) return this.standby ? "standby" : "waiting";
    if (this.term.reason !== undefined) return "stopped";
    return this.term.rebuilding ? "rebuilding" : "live";
  }

  private async ask(kind: "rebuild" | "retry" | "drop", target?: DeadLetterTarget): Promise<RequestOutcome> {
    const id = await this.requests.add(kind, target?.namespace, target?.key);
    this.term?.nudge();
    const outcome = await this.requests.outcome(id, ANSWER_MS);
    if (!outcome) throw new RequestPending(kind);
    if (outcome.error !== undefined) throw new RequestFailed(kind, outcome.error);
    return outcome;
  }

  private async serve(): Promise<void> {
    const { signal } = this.ending;
    let pause = RETRY_FIRST_MS;
    while (!signal.aborted) {
      try {
        await this.hold(signal, () => {
          pause = RETRY_FIRST_MS;
        });
      } catch (error) {
        if (signal.aborted) return;
        const trouble = error instanceof ReadModelStopped ? error.reason : `away: ${reasonOf(error)}`;
        // Told once, however often it is tried again.
        if (trouble !== this.trouble) this.logger.warn({ model: this.name, reason: trouble }, "interrupted");
        this.trouble = trouble;
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, RETRY_MS);
    }
  }

  /** Connects, waits for the lock, and serves a term. */
  private async hold(signal: AbortSignal, onReached: () => void): Promise<void> {
    const { database, definition } = this.options;
    const { url, schema } = database;
    await prepareBookkeeping(url, schema);
    const session = await WritingSession.open({ url, schema, name: `${schema} ${definition.name}` });
    try {
      const key = lockKey(schema, definition.name, "live");
      while (!(await session.tryLock(key))) {
        this.standby = true;
        this.trouble = undefined;
        onReached();
        await delay(RETRY_MS, undefined, { signal });
      }
      void session.watch(this.db);
      this.standby = false;
      onReached();
      const { log } = this.options;
      const { requests, metrics, logger } = this;
      const onApplied = (sequence: number, pull?: Pulled) => {
        this.progress.set(sequence);
        if (pull) metrics.pulled(pull);
      };
      this.term = new Term({
        log,
        database,
        definition,
        session,
        requests,
        metrics,
        logger,
        signal,
        onApplied,
        pause: (ms, ended) => this.progress.pause(ms, ended),
      });
      this.trouble = undefined;
      logger.info({ model: this.name }, "active");
      await this.term.run();
    } finally {
      this.term = undefined;
      this.standby = false;
      if (this.progress.awaited) this.following ??= this.followOthers();
      await session.close();
    }
  }

  /** Looks at the checkpoint for as long as somebody waits for it. */
  private async followOthers(): Promise<void> {
    const { signal } = this.ending;
    while (this.progress.awaited && !this.term && !signal.aborted) {
      const checkpoint = await loadCheckpoint(this.db, this.name, "live").catch(() => undefined);
      if (checkpoint && !this.term) this.progress.set(checkpoint.sequence);
      await delay(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
    }
    this.following = undefined;
  }
}

async function within<R>(ms: number, work: Promise<R>): Promise<R> {
  const late = new AbortController();
  try {
    return await Promise.race([
      work,
      delay(ms, undefined, late).then(() => Promise.reject(new Error("late"))),
    ]);
  } finally {
    late.abort();
  }
}
