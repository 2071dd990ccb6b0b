import type { Position, StreamName } from "@fieldlog/contracts";
import type { ClearedPart, Commit } from "@fieldlog/event-log";
import type { Kysely } from "kysely";

/** The part of the event log that a read model is built from. */
export interface ReadableLog {
  /** Pulls of at least one commit, in order, without end. Rejects when a sequence is missing. */
  read(stream: StreamName, from: { after: number; signal?: AbortSignal }): AsyncIterable<readonly Commit[]>;
  lastSequence(stream: StreamName): Promise<number>;
  /** When the first commit after the sequence was stored; undefined: there is none. Only for metrics. */
  timeAfter?(stream: StreamName, sequence: number): Promise<Date | undefined>;
}

/** One fact or decision out of a commit. */
export interface LogRecord<T> {
  /** Namespace id. */
  readonly namespace: string;
  /** The device or the aggregate: what is parked, together, when a record of it cannot be applied. */
  readonly key: string;
  /** Where it stands in the log; strictly increasing within what `decode` returns. */
  readonly position: Position;
  /** When the log took it. */
  readonly time: Date;
  readonly value: T;
  readonly traceParent?: string;
}

/** Tables that are built from one stream, and how. */
export interface ReadModelDefinition<T> {
  /** Unique in its service; kebab case. */
  readonly name: string;
  /** From 1. Raised when the tables or their meaning change: the tables are then built anew at the next start. */
  readonly version: number;
  readonly stream: StreamName;
  /**
   * Every table that `create` makes, but for partitions and views of these. No other read model of the
   * service has one of the same name.
   */
  readonly tables: readonly string[];
  /** Makes the tables, empty. `db` is bound to the schema they belong in, which may be the staging one. */
  create(db: Kysely<unknown>): Promise<void>;
  /**
   * Makes those indexes that only queries need, each IF NOT EXISTS: on empty tables right after them, on tables that are
   * built anew once these have caught up. An index over what is there takes far less time than one that is kept up.
   */
  index?(db: Kysely<unknown>): Promise<void>;
  /**
   * The records of one commit. Pure; may return none. When it throws, the commit is set aside as a whole.
   */
  decode(commit: Commit): readonly LogRecord<T>[];
  /**
   * Writes the records, of many commits, in order. The same rows must result however the records are cut
   * into calls. When it throws for a reason that lies in the data, the runner finds the record and parks
   * its key; a failure of the connection or of the server, or NotYet, is retried and parks nothing.
   */
  apply(tx: ReadModelTransaction, records: readonly LogRecord<T>[]): Promise<void>;
  /** Default: {@link clearedByColumns}, and what is parked of the namespace, or under the device's id. */
  readonly clear?: ClearedRows;
}

/**
 * How a namespace, or a device of it, is taken out of the tables when the log says that it was cleared. What then
 * results must equal what results of a log that never held the cleared part.
 */
export interface ClearedRows {
  rows(tx: ReadModelTransaction, cleared: ClearedPart): Promise<void>;
  /** Whether what is parked under that key of the namespace goes too. */
  takes(cleared: ClearedPart, key: string): boolean;
}

/** A value in a column: numbers and booleans as Postgres reads them, dates as timestamptz, bytes as bytea. */
export type ColumnValue = string | number | bigint | boolean | Date | Uint8Array | null | undefined;

/** The transaction in which a pull's rows and the checkpoint are written together. */
export interface ReadModelTransaction {
  /** Bound to this transaction and to the schema; names need no prefix. */
  readonly db: Kysely<unknown>;
  readonly schema: string;
  /** COPY: the fastest way in. A unique violation is the data's fault. */
  copy(table: string, columns: readonly string[], rows: Iterable<readonly ColumnValue[]>): Promise<void>;
  /**
   * COPY of rows of which some may be there already by any unique key: those are left out and counted as
   * duplicates. Of several new ones with one key the first is kept. `rows` may be iterated twice.
   * Returns "all" when every row was new, else the values of the column `returning` (as text) of those that were.
   */
  copyNew(
    table: string,
    columns: readonly string[],
    rows: Iterable<readonly ColumnValue[]>,
    returning: string,
  ): Promise<"all" | ReadonlySet<string>>;
  /** Counts records that had been applied before, under another position. */
  countDuplicates(count: number): void;
}
