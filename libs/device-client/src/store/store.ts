import type { DatabaseSync } from "node:sqlite";
import { GroupCommit } from "./group-commit.js";
import { Inbox } from "./inbox.js";
import { countOutbox, Outbox, type Room, type Totals } from "./outbox.js";
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
  ) {
    this.state = new State(database);
    const totals = this.state.get<Totals>(TOTALS) ?? countOutbox(database);
    this.outbox = new Outbox(database, room, totals);
    this.inbox = new Inbox(database);
    this.refused = new Refused(database);
    this.commits = new GroupCommit(
      database,
      () => {
        if (this.outbox.takeChanged()) this.state.set(TOTALS, this.outbox.totals);
      },
      () => {
        this.outbox.restore();
        this.inbox.restore();
        this.state.restore();
      },
    );
  }

  /** Raises StoreUnusable. */
  static open(file: string, room: Room): Store {
    return new Store(openDatabase(file), room);
  }

  /** Resolves when what `apply` did is on the disk, together with all else of this turn. */
  write<T>(apply: () => T): Promise<T> {
    return this.commits.write(apply);
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
