import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** Something that the platform sent, until the application has dealt with it. */
export interface Incoming {
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

export interface Received extends Incoming {
  readonly id: number;
}

/** Messages in the order in which they came. `add` and `remove` only in a transaction. */
export class Inbox {
  private readonly insert: StatementSync;
  private readonly after: StatementSync;
  private readonly delete: StatementSync;
  /** Of all payloads that wait. */
  bytes = 0;
  messages = 0;

  constructor(private readonly database: DatabaseSync) {
    this.insert = database.prepare("INSERT INTO inbox (topic, properties, payload) VALUES (?, ?, ?)");
    this.after = database.prepare(
      "SELECT id, topic, properties, payload FROM inbox WHERE id > ? ORDER BY id LIMIT 1",
    );
    this.delete = database.prepare("DELETE FROM inbox WHERE id = ?");
    this.restore();
  }

  add({ topic, properties, payload }: Incoming): void {
    this.insert.run(topic, JSON.stringify(properties), payload as SQLInputValue);
    this.bytes += payload.length;
    this.messages++;
  }

  next(afterId: number): Received | undefined {
    const row = this.after.get(afterId);
    if (row === undefined) return undefined;
    return {
      id: Number(row["id"]),
      topic: String(row["topic"]),
      properties: JSON.parse(String(row["properties"])),
      payload: row["payload"] as Uint8Array,
    };
  }

  remove({ id, payload }: Received): void {
    if (this.delete.run(id).changes === 0) return;
    this.bytes -= payload.length;
    this.messages--;
  }

  /** Counts anew: the transaction was undone. */
  restore(): void {
    const row = this.database
      .prepare("SELECT count(*) AS messages, coalesce(sum(length(payload)), 0) AS bytes FROM inbox")
      .get();
    this.messages = Number(row?.["messages"] ?? 0);
    this.bytes = Number(row?.["bytes"] ?? 0);
  }
}
