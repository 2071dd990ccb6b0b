import { spanOverMany } from "@fieldlog/event-log";
import type { Applier } from "./apply.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";
import { type DecodedCommit, Intake, PULL_BYTES, PULL_RECORDS } from "./intake.js";
import type { Pulled } from "./metrics.js";
import type { WritingSession } from "./session.js";

/**
 * Milliseconds from the begin of one pull to that of the next. On a busy line commits come within a millisecond
 * of each other; a transaction for each few of them costs several times as much as one for those of this time.
 */
const PACE_MS = 25;
/** The same after a pull of this many records: where so many come, one transaction for four times as long costs each less. */
const BUSY_PACE_MS = 100;
const BUSY_RECORDS = 64;

export interface PumpOptions<T> {
  readonly log: ReadableLog;
  readonly definition: ReadModelDefinition<T>;
  readonly session: WritingSession;
  readonly applier: () => Applier<T>;
  readonly signal: AbortSignal;
  /** Ends after the milliseconds, or as soon as somebody waits for what comes next. Absent: no pause is made. */
  readonly pause?: (ms: number) => Promise<void>;
  /** After each transaction. */
  readonly onApplied: (sequence: number, pull: Pulled) => void;
}

/** From the log into the tables, until the signal. While Postgres works on one pull, the next is decoded. */
export async function pump<T>(options: PumpOptions<T>): Promise<void> {
  const { log, definition, session, applier, signal, pause, onApplied } = options;
  const intake = new Intake({ log, definition, after: applier().sequence, signal });
  while (!signal.aborted) {
    const pull = await intake.next();
    if (signal.aborted || pull.length === 0) return;
    const since = performance.now();
    await session.turns.take(() => traced(definition.name, pull, () => applier().apply(pull)));
    const ms = performance.now() - since;
    const records = pull.reduce((sum, commit) => sum + commit.records.length, 0);
    onApplied(applier().sequence, { commits: pull.length, records, ms });
    const left = paceAfter(pull, records) - ms;
    if (left > 0) await pause?.(left);
  }
}

/** Milliseconds; 0 in a backlog, of which a pull is as much as fits. */
function paceAfter(pull: readonly DecodedCommit<unknown>[], records: number): number {
  if (records < BUSY_RECORDS) return PACE_MS;
  const bytes = pull.reduce((sum, { commit }) => sum + commit.data.length, 0);
  return records < PULL_RECORDS / 2 && bytes < PULL_BYTES / 2 ? BUSY_PACE_MS : 0;
}

async function traced<T>(model: string, pull: readonly DecodedCommit<T>[], apply: () => Promise<void>) {
  const parents = pull.flatMap(({ commit }) => commit.traceParent ?? []);
  const attributes = { "fieldlog.read_model": model, "fieldlog.commits": pull.length };
  await spanOverMany("apply", parents, attributes, apply);
}
