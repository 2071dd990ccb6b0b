import { positionOf, sequenceOf } from "@fieldlog/contracts";
import { sql } from "kysely";
import type { Applier } from "./apply.js";
import type { RunnersDatabase } from "./database.js";
import type { LogRecord, ReadableLog, ReadModelDefinition } from "./definition.js";
import { reasonOf } from "./failures.js";
import { decode, positionOfWhole } from "./intake.js";
import type { RequestOutcome } from "./requests.js";
import type { WritingSession } from "./session.js";

/** Dead letters that are applied again in one transaction. */
const RETRIED_AT_ONCE = 1_000;
/** Sequences that are read over rather than opening another consumer behind them. */
const READ_OVER = 2_000;
/** Milliseconds that the log may take to deliver what is in it. */
const READ_MS = 10_000;

export interface DeadLetterTarget {
  readonly namespace: string;
  /** Empty: the commits of the namespace that could not be decoded. */
  readonly key: string;
}

export interface DeadLettersOptions<T> {
  readonly log: ReadableLog;
  readonly session: WritingSession;
  readonly definition: ReadModelDefinition<T>;
  readonly applier: () => Applier<T>;
}

/**
 * What is done about a key's dead letters. The rows only tell where a record stands; the record itself is
 * read from the log again, which keeps everything.
 */
export class DeadLetters<T> {
  constructor(private readonly options: DeadLettersOptions<T>) {}

  /** Forgets them, and applies what comes from now on. */
  async drop(target: DeadLetterTarget): Promise<RequestOutcome> {
    const { session } = this.options;
    return await session.turns.take(async () => {
      const done = await session.transaction(() => this.remove(target, Number.MAX_SAFE_INTEGER));
      this.options.applier().parked.remove(target.namespace, target.key);
      return { done, remaining: 0 };
    });
  }

  /** Applies them from the oldest on until one cannot be applied; unparks the key when all went in. */
  async retry(target: DeadLetterTarget): Promise<RequestOutcome> {
    let done = 0;
    for (;;) {
      const positions = await this.oldest(target);
      if (positions.length === 0) return { done, remaining: 0 };
      const records = await this.records(target, positions);
      const step = await this.options.session.turns.take(() => this.apply(target, positions, records));
      done += step.done;
      if (step.failed || step.remaining === 0) return { done, remaining: step.remaining };
    }
  }

  private async apply(target: DeadLetterTarget, positions: readonly number[], read: readonly LogRecord<T>[]) {
    const { session } = this.options;
    const applier = this.options.applier();
    const whole = target.key === "";
    // What was cleared while the records were read waits no longer.
    const waiting = new Set(await this.waiting(target, positions.at(-1) as number));
    const records = read.filter(({ position }) => waiting.has(whole ? wholeOf(position) : position));
    // In a commit that could not be decoded there may be records of keys that have been parked since.
    const waits = ({ namespace, key }: LogRecord<T>) => whole && applier.parked.sinceOf(namespace, key);
    const failure = await applier.firstThatFails(records.filter((record) => !waits(record)));
    const failed = failure && (whole ? wholeOf(failure.record.position) : failure.record.position);
    const upTo = failed === undefined ? (positions.at(-1) as number) : failed - 1;
    const good = records.filter(({ position }) => (whole ? wholeOf(position) : position) <= upTo);
    const done = await session.transaction(async () => {
      await applier.applyAgain(
        good.filter((record) => !waits(record)),
        good.filter((record) => waits(record)),
      );
      const removed = await this.remove(target, upTo);
      if (failed !== undefined) await this.explain(target, failed, reasonOf(failure?.error));
      return removed;
    });
    const remaining = await this.count(target);
    if (remaining === 0) applier.parked.remove(target.namespace, target.key);
    return { done, remaining, failed: failure !== undefined };
  }

  private async oldest(target: DeadLetterTarget): Promise<number[]> {
    const rows = await this.options.session.turns.take(() =>
      this.of(target).select("position").orderBy("position").limit(RETRIED_AT_ONCE).execute(),
    );
    return rows.map((row) => row.position);
  }

  private async waiting(target: DeadLetterTarget, upTo: number): Promise<number[]> {
    const rows = await this.of(target).select("position").where("position", "<=", upTo).execute();
    return rows.map((row) => row.position);
  }

  /** The records at those positions, from the log. */
  private async records(target: DeadLetterTarget, positions: readonly number[]): Promise<LogRecord<T>[]> {
    const { log, definition } = this.options;
    const wanted = new Set(positions);
    const sequences = [...new Set(positions.map(sequenceOf))];
    const records: LogRecord<T>[] = [];
    for await (const commit of commitsAt(log, definition, sequences)) {
      const decoded = decode(definition, commit);
      if (decoded.undecodable !== undefined) {
        throw new Error(`commit ${commit.sequence} cannot be decoded: ${decoded.undecodable}`);
      }
      const whole = target.key === "" && wanted.has(positionOfWhole(commit));
      for (const record of decoded.records) {
        const own = record.namespace === target.namespace && record.key === target.key;
        if (whole || (own && wanted.has(record.position))) records.push(record);
      }
    }
    return records;
  }

  private of(target: DeadLetterTarget) {
    const { session, definition } = this.options;
    return session.bookkeeping
      .selectFrom("dead_letters")
      .where("read_model", "=", definition.name)
      .where("stage", "=", "live")
      .where("namespace", "=", target.namespace)
      .where(isKey(target.key));
  }

  private async count(target: DeadLetterTarget): Promise<number> {
    const { count } = await this.of(target)
      .select(({ fn }) => fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    return count;
  }

  private async remove(target: DeadLetterTarget, upTo: number): Promise<number> {
    const { session, definition } = this.options;
    const { numDeletedRows } = await session.bookkeeping
      .deleteFrom("dead_letters")
      .where("read_model", "=", definition.name)
      .where("stage", "=", "live")
      .where("namespace", "=", target.namespace)
      .where(isKey(target.key))
      .where("position", "<=", upTo)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }

  private async explain(target: DeadLetterTarget, position: number, reason: string): Promise<void> {
    const { session, definition } = this.options;
    await session.bookkeeping
      .updateTable("dead_letters")
      .set({ reason })
      .where("read_model", "=", definition.name)
      .where("stage", "=", "live")
      .where("namespace", "=", target.namespace)
      .where(isKey(target.key))
      .where("position", "=", position)
      .execute();
  }
}

/** As the index has it. */
function isKey(key: string) {
  return sql<boolean>`md5(key) = md5(${key}) AND key = ${key}`;
}

/** The position under which the commit of a position is set aside as a whole. */
function wholeOf(position: number): number {
  return positionOf(sequenceOf(position), 0);
}

export interface ListedDeadLetter {
  readonly model: string;
  readonly namespace: string;
  readonly key: string;
  readonly position: number;
  readonly reason: string;
  readonly parkedAt: Date;
}

/** The dead letters of a service's live read models, the oldest of each key first. */
export async function listDeadLetters(
  { bookkeeping }: Pick<RunnersDatabase, "bookkeeping">,
  limit: number,
): Promise<ListedDeadLetter[]> {
  return await bookkeeping
    .selectFrom("dead_letters")
    .select(["read_model as model", "namespace", "key", "position", "reason", "parked_at as parkedAt"])
    .where("stage", "=", "live")
    .orderBy("read_model")
    .orderBy("namespace")
    .orderBy("key")
    .orderBy("position")
    .limit(limit)
    .execute();
}

/** Commits at the given ascending sequences. */
async function* commitsAt<T>(
  log: ReadableLog,
  definition: ReadModelDefinition<T>,
  sequences: readonly number[],
) {
  let next = 0;
  while (next < sequences.length) {
    const reading = new AbortController();
    const timer = setTimeout(() => reading.abort(), READ_MS);
    const after = (sequences[next] as number) - 1;
    const before = next;
    try {
      read: for await (const commits of log.read(definition.stream, { after, signal: reading.signal })) {
        for (const commit of commits) {
          // What was cleared since is not there any more.
          while ((sequences[next] ?? Number.POSITIVE_INFINITY) < commit.sequence) next++;
          if (next === sequences.length) break read;
          if (commit.sequence !== sequences[next]) continue;
          yield commit;
          next++;
          timer.refresh();
          const following = sequences[next];
          if (following === undefined || following > commit.sequence + READ_OVER) break read;
        }
      }
    } finally {
      clearTimeout(timer);
      reading.abort();
    }
    if (next === before) throw new Error("the log did not deliver in time");
  }
}
