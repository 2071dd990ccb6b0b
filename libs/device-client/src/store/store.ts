import type { DatabaseSync } from "node:sqlite";
import { GroupCommit } from "./group-commit.js";
import { Inbox } from "./inbox.js";
import { Outbox, type Outcome, type Room, type Totals } from "./outbox.js";
import { Refused } from "./refused.js";
import { openDatabase } from "./schema.js";
import { State } from "./state.js";

const TOTALS = "outbox-totals";

/** Everything that a device must not forget, in one file, which one process uses at a time. */
export class Store {
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly refused: Refused;
  readonly state: State;
  private readonly commits: GroupCommit;

  private constructor(
    private readonly database: DatabaseSync,
    room: Room,
    outgoing: (outcome: Outcome) => void,
  ) {
    this.state = new State(database);
    const totals = () => this.state.get<Totals>(TOTALS);
    this.outbox = new Outbox(database, room, totals());
    this.inbox = new Inbox(database);
    this.refused = new Refused(database);
    this.commits = new GroupCommit(
      database,
      () => {
        if (this.outbox.hasChanged) this.state.set(TOTALS, this.outbox.totals);
      },
      {
        commit: () => {
          const outcome = this.outbox.commit();
          if (outcome.added) outgoing(outcome);
        },
        rollback: () => {
          this.state.restore();
          this.inbox.restore();
          this.outbox.rollback(totals());
        },
      },
    );
  }

  /** `outgoing` is told of each transaction that added to the outbox. Raises StoreUnusable. */
  static open(file: string, room: Room, outgoing: (outcome: Outcome) => void): Store {
    return new Store(openDatabase(file), room, outgoing);
  }

  /** Resolves when what `apply` did is on the disk, together with all else of this turn. `bytes`: that it holds. */
  write<T>(apply: () => T, bytes = 0): Promise<T> {
    return this.commits.write(apply, bytes);
  }

  /** The same for what may wait a little: how far others have come. */
  writeLater<T>(apply: () => T, withinMs: number): Promise<T> {
    return this.commits.writeLater(apply, withinMs);
  }

  /** Writes what waits, and ends. */
  close(): void {
    this.commits.close();
    this.database.close();
  }
}
