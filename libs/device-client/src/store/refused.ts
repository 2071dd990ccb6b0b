import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** What the platform would not take, and why; it is not sent again. */
export interface RefusedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly reason: string;
  /** ms since 1970 UTC. */
  readonly at: number;
}

const MOST = 1_000;

/** The newest 1,000 refused messages. `add` only in a transaction. */
export class Refused {
  constructor(private readonly database: DatabaseSync) {}

  add({ topic, payload, reason, at }: RefusedMessage): void {
    this.database
      .prepare("INSERT INTO refused (topic, payload, reason, at) VALUES (?, ?, ?, ?)")
      .run(topic, payload as SQLInputValue, reason, at);
    this.database.prepare("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?").run(MOST);
  }

  /** Oldest first. */
  list(): RefusedMessage[] {
    return this.database
      .prepare("SELECT topic, payload, reason, at FROM refused ORDER BY id")
      .all() as unknown as RefusedMessage[];
  }
}
