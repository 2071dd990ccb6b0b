import type { DatabaseSync } from "node:sqlite";
import { ClientClosed } from "../errors.js";

interface Write {
  readonly apply: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One transaction for all writes of a turn of the event loop, so that one flush to the disk serves them all. They are
 * applied in the order in which they were added. A write that throws must have changed nothing; the others go on.
 */
export class GroupCommit {
  private waiting: Write[] = [];
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly database: DatabaseSync,
    /** Called in each transaction, after all of its writes. */
    private readonly beforeCommit: () => void,
    /** Called when the transaction was undone. */
    private readonly afterRollback: () => void,
  ) {}

  /** Resolves, with what `apply` returned, when it is on the disk. */
  write<T>(apply: () => T): Promise<T> {
    this.turn ??= setImmediate(() => this.flush());
    return this.add(apply);
  }

  /** The same for what may wait, in ms, until others come along. */
  writeLater<T>(apply: () => T, withinMs: number): Promise<T> {
    this.timer ??= setTimeout(() => this.flush(), withinMs);
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
    if (writes.length > 0) this.commit(writes);
  }

  /** Writes what waits; from then on nothing is taken. */
  close(): void {
    this.flush();
    this.closed = true;
  }

  private add<T>(apply: () => T): Promise<T> {
    if (this.closed) return Promise.reject(new ClientClosed());
    return new Promise<T>((resolve, reject) => this.waiting.push({ apply, resolve, reject }));
  }

  private commit(writes: readonly Write[]): void {
    const done: (() => void)[] = [];
    try {
      this.database.exec("BEGIN");
      for (const { apply, resolve, reject } of writes) {
        try {
          const value = apply() as never;
          done.push(() => resolve(value));
        } catch (error) {
          // The disk is full, or broken: SQLite has undone the transaction.
          if (!this.database.isTransaction) throw error;
          done.push(() => reject(error));
        }
      }
      this.beforeCommit();
      this.database.exec("COMMIT");
    } catch (error) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      this.afterRollback();
      for (const { reject } of writes) reject(error);
      return;
    }
    for (const tell of done) tell();
  }
}
