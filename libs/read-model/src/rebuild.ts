import { setTimeout as delay } from "node:timers/promises";
import type { Kysely } from "kysely";
import pg from "pg";
import { Applier } from "./apply.js";
import type { Bookkeeping } from "./bookkeeping.js";
import { loadCheckpoint } from "./checkpoint.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";
import { reasonOf } from "./failures.js";
import { lockKey } from "./lock.js";
import type { ReadModelLogger } from "./logger.js";
import { ModelMetrics } from "./metrics.js";
import { Parked } from "./parked.js";
import { pump } from "./pump.js";
import { WritingSession } from "./session.js";
import { analyzeStaging, createStaging, indexStaging, stagingSchema, swapIn } from "./staging.js";
import { Tasks } from "./tasks.js";

/** Commits that the new tables may be behind when the live ones are held for the swap. */
const CLOSE = 64;
const LOOK_EVERY_MS = 100;
/** Milliseconds that the live tables are held for the new ones to get level with them. */
const LEVEL_MS = 5_000;
const SWAP_ATTEMPTS = 40;
const SWAP_PAUSE_MS = 250;
const LOCK_EVERY_MS = 500;
const LOCK_NOT_AVAILABLE = "55P03";

export interface RebuildOptions<T> {
  readonly log: ReadableLog;
  readonly definition: ReadModelDefinition<T>;
  readonly url: string;
  /** Over other connections. */
  readonly bookkeeping: Kysely<Bookkeeping>;
  /** The service's. */
  readonly schema: string;
  readonly live: {
    readonly session: WritingSession;
    /** Applied to the live tables. */
    sequence(): number;
    /** Whether the live tables follow the log. */
    following(): boolean;
  };
  /** The staging tables and their checkpoint exist. */
  readonly onBegun: () => void;
  readonly logger: ReadModelLogger;
  readonly signal: AbortSignal;
}

/**
 * Builds a read model anew in a schema of its own while the live one goes on, and swaps it in when it has
 * caught up. Goes on from its checkpoint after a crash. Returns false when the signal ended it before.
 *
 * @param afterSwap while the live session is still held: take over the new checkpoint
 * @throws ReadModelStopped if the log cannot be read through
 */
export async function rebuild<T>(
  options: RebuildOptions<T>,
  afterSwap: () => Promise<void>,
): Promise<boolean> {
  const { definition, schema, url, signal, logger } = options;
  const staging = stagingSchema(schema, definition.name);
  const session = await WritingSession.open({
    url,
    schema,
    tables: staging,
    name: `${schema} ${definition.name} rebuild`,
  });
  try {
    const key = lockKey(schema, definition.name, "rebuild");
    // A session of a replica that has just died may hold it for a moment.
    while (!(await session.tryLock(key))) await delay(LOCK_EVERY_MS, undefined, { signal });
    void session.watch(options.bookkeeping);
    const checkpoint = await stagedCheckpoint(session, definition);
    options.onBegun();
    logger.info({ model: definition.name, sequence: checkpoint.sequence }, "building anew");
    const applier = new Applier({
      ...{ session, schema, definition, stage: "rebuild", checkpoint, logger },
      parked: await Parked.load(session.bookkeeping, definition.name, "rebuild"),
      metrics: new ModelMetrics(undefined, schema, definition.name),
    });
    while (!signal.aborted) {
      if (await followUntilSwapped(options, session, applier, staging, afterSwap)) return true;
    }
    return false;
  } finally {
    await session.close();
  }
}

async function stagedCheckpoint<T>(session: WritingSession, definition: ReadModelDefinition<T>) {
  const staged = await loadCheckpoint(session.bookkeeping, definition.name, "rebuild");
  if (staged?.version === definition.version) return staged;
  await createStaging(session, definition);
  return { version: definition.version, sequence: 0 };
}

/** Follows the log until the new tables are close to the live ones, then tries to swap them in. */
async function followUntilSwapped<T>(
  options: RebuildOptions<T>,
  session: WritingSession,
  applier: Applier<T>,
  staging: string,
  afterSwap: () => Promise<void>,
): Promise<boolean> {
  const { log, definition, live, logger } = options;
  const tasks = new Tasks(options.signal);
  let swapped = false;
  const stopPump = new AbortController();
  const untilClose = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      const goal = live.following() ? live.sequence() : await log.lastSequence(definition.stream);
      if (applier.sequence + CLOSE >= goal) return;
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const following = (async () => {
    const signal = AbortSignal.any([stopPump.signal, tasks.signal]);
    await pump({ log, definition, session, applier: () => applier, signal, onApplied: () => undefined });
  })();
  tasks.run(() => following);
  tasks.run(async (signal) => {
    try {
      await untilClose(signal);
      if (signal.aborted) return;
      await session.turns.take(() => indexStaging(session, definition));
      // The log has gone on meanwhile.
      await untilClose(signal);
      if (signal.aborted) return;
      await session.turns.take(() => analyzeStaging(session, definition));
      // From here on the live tables stand still.
      await live.session.turns.take(async () => {
        const until = performance.now() + LEVEL_MS;
        // A log that was put back to an older state ends before what they know, and they have stopped.
        const end = live.following() ? Number.POSITIVE_INFINITY : await log.lastSequence(definition.stream);
        const goal = Math.min(live.sequence(), end);
        while (applier.sequence < goal && !signal.aborted) {
          if (performance.now() > until) return;
          await delay(5);
        }
        stopPump.abort();
        await following;
        if (signal.aborted) return;
        swapped = await swapPatiently(live.session, definition, staging, logger, signal);
        if (swapped) await afterSwap();
      });
    } finally {
      stopPump.abort();
    }
  });
  await tasks.ended();
  return swapped;
}

async function swapPatiently<T>(
  session: WritingSession,
  definition: ReadModelDefinition<T>,
  staging: string,
  logger: ReadModelLogger,
  signal: AbortSignal,
): Promise<boolean> {
  for (let attempt = 1; attempt <= SWAP_ATTEMPTS && !signal.aborted; attempt++) {
    try {
      await swapIn(session, definition, staging);
      logger.info({ model: definition.name, attempt }, "swapped in what was built anew");
      return true;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
      logger.info(
        { model: definition.name, attempt, reason: reasonOf(error) },
        "a query holds the old tables",
      );
      await delay(SWAP_PAUSE_MS);
    }
  }
  return false;
}
