import type { DatabaseSync } from "node:sqlite";
import { ClientClosed } from "../errors.js";

interface Write {
  readonly apply: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  outcome: unknown;
  failed: boolean;
}

/** Writes that wait, and bytes of theirs: with more they are written in the middle of a turn. */
const MOST_WAITING = 1_024;
const MOST_BYTES = 1024 * 1024;

/**
 * One transaction for all writes of a turn of the event loop, so that one flush to the disk serves them all. They are
 * applied in the order in which they were added. A write that throws must have changed nothing; the others go on. Who
 * asks for many without waiting for any is held up while they are written: what waits is bounded.
 */
export class GroupCommit {
  private waiting: Write[] = [];
  private bytes = 0;
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly database: DatabaseSync,
    /** Called in each transaction, after all of its writes. */
    private readonly beforeCommit: () => void,
    /** Called after each transaction: it is on the disk, or was undone. */
    private readonly after: { readonly commit: () => void; readonly rollback: () => void },
  ) {}

  /** Resolves, with what `apply` returned, when it is on the disk. `bytes`: about what it keeps in memory until then. */
  write<T>(apply: () => T, bytes = 0): Promise<T> {
    const added = this.add(apply);
    this.bytes += bytes;
    if (this.waiting.length >= MOST_WAITING || this.bytes >= MOST_BYTES) this.flush();
    else if (!this.closed) this.turn ??= setImmediate(() => this.flush());
    return added;
  }

  /** The same for what may wait, in ms, until others come along. */
  writeLater<T>(apply: () => T, withinMs: number): Promise<T> {
    if (!this.closed) this.timer ??= setTimeout(() => this.flush(), withinMs);
    return this.add(apply);
  }

  /** Writes what waits, now. */
  flush(): void {
    clearImmediate(this.turn);
    clearTimeout(this.timer);
    this.turn = undefined;
    this.timer = undefined;
    const writes = this.waiting;
    this.waiting = [];
    this.bytes = 0;
    if (writes.length > 0) this.commit(writes);
  }

  /** Writes what waits; from then on nothing is taken. */
  close(): void {
    this.flush();
    this.closed = true;
  }

  private add<T>(apply: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new ClientClosed());
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ apply, resolve, reject, outcome: undefined, failed: false });
    });
  }

  private commit(writes: readonly Write[]): void {
    try {
      this.database.exec("BEGIN");
      for (const write of writes) this.apply(write);
      this.beforeCommit();
      this.database.exec("COMMIT");
    } catch (error) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      this.after.rollback();
      for (const { reject } of writes) reject(error);
      return;
    }
    for (const { failed, outcome, resolve, reject } of writes) {
      if (failed) reject(outcome);
      else resolve(outcome as never);
    }
    this.after.commit();
  }

  private apply(write: Write): void {
    try {
      write.outcome = write.apply();
    } catch (error) {
      // The disk is full, or broken: SQLite has undone the transaction.
      if (!this.database.isTransaction) throw error;
      write.outcome = error;
      write.failed = true;
    }
  }
}
