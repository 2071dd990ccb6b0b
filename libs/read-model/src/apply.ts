import { namespaceOf } from "@fieldlog/contracts";
import type { ClearedPart } from "@fieldlog/event-log";
import { Advance, type Checkpoint } from "./checkpoint.js";
import { clearRows } from "./clear.js";
import { copyRows, copyStatement } from "./copy.js";
import type { LogRecord, ReadModelDefinition } from "./definition.js";
import { liesInTheData, ReadModelStopped, reasonOf, storable } from "./failures.js";
import { type DecodedCommit, positionOfWhole } from "./intake.js";
import type { Stage } from "./lock.js";
import type { ReadModelLogger } from "./logger.js";
import type { ModelMetrics } from "./metrics.js";
import { PARKED_LIMIT, type Parked } from "./parked.js";
import type { WritingSession } from "./session.js";
import { PullTransaction } from "./transaction.js";

export interface ApplierOptions<T> {
  readonly session: WritingSession;
  /** The service's. */
  readonly schema: string;
  readonly definition: ReadModelDefinition<T>;
  readonly stage: Stage;
  readonly checkpoint: Checkpoint;
  readonly parked: Parked;
  readonly metrics: ModelMetrics;
  readonly logger: ReadModelLogger;
}

/** A record that waits, as `dead_letters` keeps it. */
export interface DeadLetter {
  readonly namespace: string;
  readonly key: string;
  readonly position: number;
  readonly reason: string;
}

const DEAD_LETTER_COLUMNS = ["read_model", "stage", "namespace", "key", "position", "reason"] as const;

/** Writes pulls into the tables, each in one transaction with its checkpoint, and parks what cannot be written. */
export class Applier<T> {
  private applied: number;

  constructor(private readonly options: ApplierOptions<T>) {
    this.applied = options.checkpoint.sequence;
  }

  /** The last sequence that is applied. */
  get sequence(): number {
    return this.applied;
  }

  get parked(): Parked {
    return this.options.parked;
  }

  /** Applies commits that follow on the checkpoint without a gap, but for what was cleared; those at or below it are left out. */
  async apply(commits: readonly DecodedCommit<T>[]): Promise<void> {
    const next = commits.filter(({ commit }) => commit.sequence > this.applied);
    const [first] = next;
    if (!first) return;
    const { sequence, after = sequence - 1 } = first.commit;
    if (after > this.applied) {
      throw new ReadModelStopped(
        `the log goes on with ${sequence} after ${this.applied}: commits between them are missing`,
      );
    }
    for (const part of aroundClearings(next)) {
      const [{ cleared }] = part as [DecodedCommit<T>];
      if (cleared) await this.clear(part[0] as DecodedCommit<T>, cleared);
      else await this.applyOrSplit(part);
    }
  }

  /** Takes out what was applied of the part up to here. */
  private async clear({ commit }: DecodedCommit<T>, cleared: ClearedPart): Promise<void> {
    const { session, definition, stage, logger } = this.options;
    const keys = await session.transaction(
      () => clearRows({ session, definition, stage, cleared }),
      this.advanceTo(commit.sequence),
    );
    this.applied = commit.sequence;
    for (const key of keys) this.parked.remove(cleared.namespace, key);
    logger.info({ model: definition.name, stage, ...cleared, sequence: commit.sequence }, "cleared");
  }

  private advanceTo(sequence: number): Advance {
    const { schema, definition, stage, checkpoint } = this.options;
    return new Advance(schema, definition.name, stage, checkpoint.version, this.applied, sequence);
  }

  /** Halves the pull until the commit is found that cannot be applied; all others go in. */
  private async applyOrSplit(commits: readonly DecodedCommit<T>[]): Promise<void> {
    try {
      await this.write(commits, new Map());
    } catch (error) {
      if (this.options.session.lost || !liesInTheData(error)) throw error;
      const [only] = commits;
      if (commits.length === 1 && only) return await this.park(only, error);
      const half = commits.length >> 1;
      await this.applyOrSplit(commits.slice(0, half));
      await this.applyOrSplit(commits.slice(half));
    }
  }

  /** Applies a commit without what in it cannot be applied: parks the keys of those records, one after the other. */
  private async park(commit: DecodedCommit<T>, first: unknown): Promise<void> {
    const found = new Map<LogRecord<T>, string>();
    for (let error = first; ; ) {
      const records = this.sort([commit], found).records;
      const culprit = await this.firstThatFails(records);
      // Nothing fails by itself any more: then it was not the data, and the whole is tried again later.
      if (!culprit) throw error;
      found.set(culprit.record, reasonOf(culprit.error));
      try {
        await this.write([commit], found);
        return;
      } catch (again) {
        if (this.options.session.lost || !liesInTheData(again)) throw again;
        error = again;
      }
    }
  }

  /** Applies records at or below the checkpoint in the transaction under way, and sets others aside anew. */
  async applyAgain(records: readonly LogRecord<T>[], waiting: readonly LogRecord<T>[]): Promise<void> {
    const { session, definition, metrics } = this.options;
    const tx = new PullTransaction(session);
    if (records.length > 0) await definition.apply(tx, records);
    await this.set(
      waiting.map(({ namespace, key, position }) => {
        return { namespace, key, position, reason: waitsBehind(this.parked.sinceOf(namespace, key)) };
      }),
    );
    metrics.applied(records.length, tx.duplicates);
  }

  /** The record with which the records up to it can no longer be applied, and why; found by bisection. */
  async firstThatFails(
    records: readonly LogRecord<T>[],
  ): Promise<{ record: LogRecord<T>; error: unknown; index: number } | undefined> {
    let error = await this.trial(records);
    if (error === undefined) return undefined;
    let good = 0;
    let bad = records.length;
    while (bad - good > 1) {
      const middle = (good + bad) >> 1;
      const failure = await this.trial(records.slice(0, middle));
      if (failure === undefined) good = middle;
      else {
        bad = middle;
        error = failure;
      }
    }
    const record = records[bad - 1];
    return record && { record, error, index: bad - 1 };
  }

  /** Applies the records in a transaction that is rolled back; returns why they cannot be applied, or undefined. */
  private async trial(records: readonly LogRecord<T>[]): Promise<unknown> {
    const { session, definition } = this.options;
    try {
      await session.transaction(async () => {
        await definition.apply(new PullTransaction(session), records);
        await session.client.query("SET CONSTRAINTS ALL IMMEDIATE");
        throw ROLLBACK;
      });
    } catch (error) {
      if (error === ROLLBACK) return undefined;
      if (session.lost || !liesInTheData(error)) throw error;
      return error;
    }
  }

  private async write(
    commits: readonly DecodedCommit<T>[],
    found: ReadonlyMap<LogRecord<T>, string>,
  ): Promise<void> {
    const { session, definition, stage, metrics, logger } = this.options;
    const last = commits.at(-1)?.commit as DecodedCommit<T>["commit"];
    const { records, letters, parked } = this.sort(commits, found);
    if (this.parked.size + parked.length > PARKED_LIMIT) {
      throw new ReadModelStopped(
        `more than ${PARKED_LIMIT} keys cannot be applied: ${letters.at(-1)?.reason}`,
      );
    }
    const tx = new PullTransaction(session);
    await session.transaction(async () => {
      if (records.length > 0) await definition.apply(tx, records);
      await this.set(letters);
    }, this.advanceTo(last.sequence));
    this.applied = last.sequence;
    for (const { namespace, key, position, reason } of parked) {
      this.parked.add(namespace, key, position);
      logger.warn({ model: definition.name, stage, namespace, key, position, reason }, "parked");
    }
    for (const { commit, undecodable } of commits) {
      if (undecodable === undefined) continue;
      const { sequence, subject } = commit;
      logger.warn(
        { model: definition.name, stage, sequence, subject, reason: undecodable },
        "set aside a commit",
      );
    }
    metrics.applied(records.length, tx.duplicates);
  }

  /** What is to be applied, and what is set aside: records of parked keys, and commits that are unreadable. */
  private sort(commits: readonly DecodedCommit<T>[], found: ReadonlyMap<LogRecord<T>, string>) {
    if (this.parked.size === 0 && found.size === 0 && commits.every((one) => !one.undecodable)) {
      return {
        records: commits.length === 1 ? (commits[0]?.records ?? []) : commits.flatMap((one) => one.records),
        letters: [],
        parked: [],
      };
    }
    const records: LogRecord<T>[] = [];
    const letters: DeadLetter[] = [];
    const parked: DeadLetter[] = [];
    const newly = new Map<string, number>();
    for (const { commit, records: own, undecodable } of commits) {
      if (undecodable !== undefined) {
        const namespace = namespaceOf(commit.subject);
        letters.push({ namespace, key: "", position: positionOfWhole(commit), reason: undecodable });
      }
      for (const record of own) {
        const { namespace, key, position } = record;
        const since = this.parked.sinceOf(namespace, key) ?? newly.get(`${namespace}\0${key}`);
        const reason = found.get(record);
        if (since !== undefined) {
          letters.push({ namespace, key, position, reason: waitsBehind(since) });
        } else if (reason !== undefined) {
          newly.set(`${namespace}\0${key}`, position);
          const letter = { namespace, key, position, reason };
          letters.push(letter);
          parked.push(letter);
        } else {
          records.push(record);
        }
      }
    }
    return { records, letters, parked };
  }

  private async set(letters: readonly DeadLetter[]): Promise<void> {
    const { session, schema, definition, stage } = this.options;
    if (letters.length === 0) return;
    await copyRows(
      session.client,
      copyStatement("dead_letters", DEAD_LETTER_COLUMNS, schema),
      letters.map(({ namespace, key, position, reason }) => {
        return [definition.name, stage, namespace, storable(key), position, reason];
      }),
    );
  }
}

/** The commits, in order, cut so that each one that clears stands alone. */
function aroundClearings<T>(commits: readonly DecodedCommit<T>[]): (readonly DecodedCommit<T>[])[] {
  if (commits.every(({ cleared }) => cleared === undefined)) return [commits];
  const parts: DecodedCommit<T>[][] = [];
  for (const commit of commits) {
    const open = parts.at(-1);
    if (commit.cleared || !open || open[0]?.cleared) parts.push([commit]);
    else open.push(commit);
  }
  return parts;
}

function waitsBehind(since: number | undefined): string {
  return `waits behind ${since}`;
}

const ROLLBACK = Symbol("only a trial");
