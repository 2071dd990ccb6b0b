import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { Applier } from "./apply.js";
import { type Checkpoint, createCheckpoint, loadCheckpoint, setStopped } from "./checkpoint.js";
import type { RunnersDatabase } from "./database.js";
import { DeadLetters } from "./dead-letters.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";
import { ReadModelStopped, reasonOf } from "./failures.js";
import type { ReadModelLogger } from "./logger.js";
import type { ModelMetrics, Pulled } from "./metrics.js";
import { Parked } from "./parked.js";
import { pump } from "./pump.js";
import { rebuild } from "./rebuild.js";
import { REQUESTS_EVERY_MS, type Request, type Requests } from "./requests.js";
import type { WritingSession } from "./session.js";
import { dropStaging, stagingSchema } from "./staging.js";
import { Tasks } from "./tasks.js";

export interface TermOptions<T> {
  readonly log: ReadableLog;
  readonly database: RunnersDatabase;
  readonly definition: ReadModelDefinition<T>;
  /** Holds the lock. */
  readonly session: WritingSession;
  readonly requests: Requests;
  readonly metrics: ModelMetrics;
  readonly logger: ReadModelLogger;
  readonly signal: AbortSignal;
  readonly onApplied: (sequence: number, pull?: Pulled) => void;
  /** Ends after the milliseconds, with the signal, or as soon as somebody waits for what comes next. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What the active replica does for as long as it holds the lock. */
export class Term<T> {
  /** Why the live tables do not follow the log, if they do not. */
  reason: string | undefined;
  rebuilding = false;
  /** The tables exist, also after a crash that took them: their creation is committed asynchronously. */
  prepared = false;
  private readonly tasks: Tasks;
  private live!: { applier: Applier<T>; following: boolean };
  private wake: () => void = () => undefined;
  private begun: Promise<void> = Promise.resolve();

  constructor(private readonly options: TermOptions<T>) {
    this.tasks = new Tasks(options.signal);
  }

  get parked(): number {
    return this.live?.applier.parked.size ?? 0;
  }

  /** Ends with the signal. Raises what ended it before: mostly that the session was lost. */
  async run(): Promise<void> {
    const { session, definition } = this.options;
    const checkpoint = await this.prepare();
    await this.reload(checkpoint);
    this.prepared = true;
    const staged = await loadCheckpoint(session.bookkeeping, definition.name, "rebuild");
    this.tasks.run((signal) => session.untilLost(signal));
    if (checkpoint.version === definition.version) this.follow();
    if (staged || checkpoint.version !== definition.version) void this.startRebuild();
    this.tasks.run((signal) => this.answer(signal));
    await this.tasks.ended();
  }

  /** Looks at the requests now. */
  nudge(): void {
    this.wake();
  }

  private async prepare(): Promise<Checkpoint> {
    const { session, definition } = this.options;
    const stored = await loadCheckpoint(session.bookkeeping, definition.name, "live");
    if (!stored) return await this.createTables();
    if (stored.version > definition.version) {
      throw new ReadModelStopped(
        `its tables have version ${stored.version}, built by a newer program; this one builds ${definition.version}`,
      );
    }
    await setStopped(session.bookkeeping, definition.name, null);
    return stored;
  }

  private async createTables(): Promise<Checkpoint> {
    const { session, definition } = this.options;
    await session.transaction(async () => {
      // Queries fail without the tables, so their creation must outlive a crash.
      await sql`SET LOCAL synchronous_commit = on`.execute(session.db);
      for (const table of definition.tables) {
        await sql`DROP TABLE IF EXISTS ${sql.id(session.schema, table)} CASCADE`.execute(session.db);
      }
      await definition.create(session.db);
      await definition.index?.(session.db);
      await createCheckpoint(session.bookkeeping, definition.name, "live", definition.version);
    });
    return { version: definition.version, sequence: 0 };
  }

  /** What is true of the live tables is what Postgres says. */
  private async reload(checkpoint: Checkpoint): Promise<void> {
    const { session, definition, metrics, logger } = this.options;
    const applier = new Applier({
      ...{ session, schema: session.schema, definition, stage: "live", checkpoint, metrics, logger },
      parked: await Parked.load(session.bookkeeping, definition.name, "live"),
    });
    this.live = { applier, following: this.live?.following ?? false };
    this.options.onApplied(checkpoint.sequence);
  }

  private follow(): void {
    const { log, definition, session, onApplied, logger } = this.options;
    this.live.following = true;
    this.reason = undefined;
    this.tasks.run(async (signal) => {
      try {
        const pause = (ms: number) => this.options.pause(ms, signal);
        await pump({ log, definition, session, applier: () => this.live.applier, signal, onApplied, pause });
      } catch (error) {
        if (!(error instanceof ReadModelStopped)) throw error;
        this.live.following = false;
        this.reason = error.reason;
        logger.error({ model: definition.name, reason: error.reason }, "stopped");
        await session.turns.take(() => setStopped(session.bookkeeping, definition.name, error.reason));
      }
    });
  }

  /** Resolves when it is recorded that a rebuild is under way, or when it has ended already. */
  private startRebuild(): Promise<void> {
    if (this.rebuilding) return this.begun;
    this.rebuilding = true;
    const begun = Promise.withResolvers<void>();
    this.begun = begun.promise;
    const { log, definition, database, session, logger } = this.options;
    const live = {
      session,
      sequence: () => this.live.applier.sequence,
      following: () => this.live.following,
    };
    this.tasks.run(async (signal) => {
      const { url, schema, bookkeeping } = database;
      try {
        const onBegun = begun.resolve;
        const options = { log, definition, url, schema, bookkeeping, live, onBegun, logger, signal };
        await rebuild(options, () => this.takeOver());
      } catch (error) {
        if (!(error instanceof ReadModelStopped)) throw error;
        await this.giveUpRebuild(error.reason);
      } finally {
        this.rebuilding = false;
        begun.resolve();
      }
    });
    return begun.promise;
  }

  /** After a swap, within the turn of the live session. */
  private async takeOver(): Promise<void> {
    const { session, definition } = this.options;
    const checkpoint = await loadCheckpoint(session.bookkeeping, definition.name, "live");
    if (!checkpoint) throw new Error("the swap left no checkpoint");
    await this.reload(checkpoint);
    if (!this.live.following) this.follow();
  }

  private async giveUpRebuild(reason: string): Promise<void> {
    const { session, definition, logger, database } = this.options;
    logger.error({ model: definition.name, reason }, "cannot be built anew");
    await session.turns.take(async () => {
      await dropStaging(session, definition.name, stagingSchema(database.schema, definition.name));
      if (this.live.following) return;
      this.reason ??= reason;
      await setStopped(session.bookkeeping, definition.name, this.reason);
    });
  }

  private async answer(signal: AbortSignal): Promise<void> {
    const { requests, logger, definition } = this.options;
    while (!signal.aborted) {
      try {
        for (const request of await requests.open()) {
          if (signal.aborted) return;
          logger.info({ model: definition.name, ...request }, "asked");
          await this.fulfil(request);
        }
      } catch (error) {
        // If Postgres is away the session notices; if its other connections are all in use, this can wait.
        logger.warn(
          { model: definition.name, reason: reasonOf(error) },
          "could not do what was asked; trying again",
        );
      }
      const woken = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await Promise.race([woken, delay(REQUESTS_EVERY_MS, undefined, { signal }).catch(() => undefined)]);
    }
  }

  private async fulfil(request: Request): Promise<void> {
    const { requests, log, session, definition } = this.options;
    const { kind, namespace, key } = request;
    if (kind === "rebuild") {
      await this.startRebuild();
      if (this.tasks.signal.aborted) return;
      await requests.finish(request.id, { done: 0, remaining: 0 });
      return;
    }
    const letters = new DeadLetters({ log, session, definition, applier: () => this.live.applier });
    try {
      const outcome = await letters[kind]({ namespace, key });
      await requests.finish(request.id, outcome);
    } catch (error) {
      if (session.lost) throw error;
      await requests.finish(request.id, { done: 0, remaining: 0, error: reasonOf(error) });
    }
  }
}
