import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Small named values, kept in memory too. `set` only in a transaction. */
export class State {
  private readonly values = new Map<string, unknown>();
  private readonly put: StatementSync;
  private readonly remove: StatementSync;

  constructor(private readonly database: DatabaseSync) {
    this.put = database.prepare("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)");
    this.remove = database.prepare("DELETE FROM state WHERE name = ?");
    this.restore();
  }

  get<T>(name: string): T | undefined {
    return this.values.get(name) as T | undefined;
  }

  /** undefined: it is forgotten. */
  set(name: string, value: unknown): void {
    if (value === undefined) {
      this.remove.run(name);
      this.values.delete(name);
    } else {
      this.put.run(name, JSON.stringify(value));
      this.values.set(name, value);
    }
  }

  /** Reads all anew: the transaction was undone. */
  restore(): void {
    this.values.clear();
    for (const { name, value } of this.database.prepare("SELECT name, value FROM state").iterate()) {
      this.values.set(String(name), JSON.parse(String(value)));
    }
  }
}
