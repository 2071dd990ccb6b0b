import { setImmediate as breathe } from "node:timers/promises";
import { positionOf } from "@fieldlog/contracts";
import { type ClearedPart, type Commit, clearedBy, LogGap } from "@fieldlog/event-log";
import type { LogRecord, ReadableLog, ReadModelDefinition } from "./definition.js";
import { ReadModelStopped, reasonOf } from "./failures.js";

/** What is applied in one transaction at the most; a backlog is applied in transactions of this size. */
export const PULL_RECORDS = 8_192;
export const PULL_BYTES = 4 * 1024 * 1024;
/** Pulls that are decoded while one is applied. */
const PULLS_AHEAD = 2;
/** Milliseconds of decoding after which other work gets its turn. */
const BREATHE_MS = 5;

export interface DecodedCommit<T> {
  readonly commit: Commit;
  readonly records: readonly LogRecord<T>[];
  /** Why the commit could not be decoded; then it has no records. */
  readonly undecodable?: string;
  /** What it clears; then it has no records. */
  readonly cleared?: ClearedPart;
}

export interface IntakeOptions<T> {
  readonly log: ReadableLog;
  readonly definition: ReadModelDefinition<T>;
  /** The last sequence that is applied already. */
  readonly after: number;
  readonly signal: AbortSignal;
}

/**
 * Reads the log and decodes ahead of what is applied, within bounds. What has come by the time that the
 * applier asks again is one pull: on an idle line a single commit, at once; of a backlog as much as fits.
 */
export class Intake<T> {
  private readonly queue: DecodedCommit<T>[] = [];
  private records = 0;
  private bytes = 0;
  private failure: Error | undefined;
  private ended = false;
  private wakeTaker: () => void = () => undefined;
  private wakeReader: () => void = () => undefined;

  constructor(private readonly options: IntakeOptions<T>) {
    options.signal.addEventListener("abort", () => this.end(), { once: true });
    this.read().then(
      () => this.end(),
      (error: Error) => this.end(error),
    );
  }

  /** The next commits, at least one, without a gap but for what was cleared; empty when the signal has ended it. Raises what reading raised. */
  async next(): Promise<DecodedCommit<T>[]> {
    while (this.queue.length === 0) {
      if (this.failure) throw this.failure;
      if (this.ended) return [];
      await new Promise<void>((resolve) => {
        this.wakeTaker = resolve;
      });
    }
    return this.take();
  }

  private take(): DecodedCommit<T>[] {
    let records = 0;
    let bytes = 0;
    let count = 0;
    for (const { commit, records: own } of this.queue) {
      const fits = records + own.length <= PULL_RECORDS && bytes + commit.data.length <= PULL_BYTES;
      if (count > 0 && !fits) break;
      records += own.length;
      bytes += commit.data.length;
      count++;
    }
    this.records -= records;
    this.bytes -= bytes;
    this.wakeReader();
    return this.queue.splice(0, count);
  }

  private async read(): Promise<void> {
    const { log, definition, signal } = this.options;
    let expected = this.options.after + 1;
    let since = performance.now();
    for await (const commits of log.read(definition.stream, { after: this.options.after, signal })) {
      for (const commit of commits) {
        const { sequence, after = sequence - 1 } = commit;
        if (after + 1 !== expected) throw new LogGap(definition.stream, expected, sequence);
        expected = sequence + 1;
        await this.space();
        if (this.ended) return;
        this.add(decode(definition, commit));
        if (performance.now() - since < BREATHE_MS) continue;
        await breathe();
        since = performance.now();
      }
    }
  }

  private add(decoded: DecodedCommit<T>): void {
    this.queue.push(decoded);
    this.records += decoded.records.length;
    this.bytes += decoded.commit.data.length;
    this.wakeTaker();
  }

  private async space(): Promise<void> {
    while (
      !this.ended &&
      (this.records >= PULLS_AHEAD * PULL_RECORDS || this.bytes >= PULLS_AHEAD * PULL_BYTES)
    ) {
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve;
      });
    }
  }

  private end(error?: Error): void {
    this.ended = true;
    if (error && !this.options.signal.aborted) {
      this.failure = error instanceof LogGap ? new ReadModelStopped(error.message, { cause: error }) : error;
    }
    this.wakeTaker();
    this.wakeReader();
  }
}

export function decode<T>(definition: ReadModelDefinition<T>, commit: Commit): DecodedCommit<T> {
  try {
    const cleared = clearedBy(commit);
    if (cleared !== undefined) return { commit, records: [], cleared };
    return { commit, records: definition.decode(commit) };
  } catch (error) {
    return { commit, records: [], undecodable: reasonOf(error) };
  }
}

/** The position under which a commit that cannot be decoded is set aside. */
export function positionOfWhole(commit: Commit): number {
  return positionOf(commit.sequence, 0);
}
