import type { Kysely } from "kysely";
import type { Bookkeeping } from "./bookkeeping.js";
import type { Stage } from "./lock.js";

/** Parked keys of one read model; with more the fault is the definition's, and the read model stops. */
export const PARKED_LIMIT = 10_000;

/** The keys whose records wait as dead letters, each with the position from which on they do. */
export class Parked {
  private readonly since = new Map<string, number>();

  static async load(db: Kysely<Bookkeeping>, model: string, stage: Stage): Promise<Parked> {
    const rows = await db
      .selectFrom("dead_letters")
      .select(({ fn }) => ["namespace", "key", fn.min("position").as("since")])
      .where("read_model", "=", model)
      .where("stage", "=", stage)
      .where("key", "!=", "")
      .groupBy(["namespace", "key"])
      .execute();
    const parked = new Parked();
    for (const row of rows) parked.add(row.namespace, row.key, row.since);
    return parked;
  }

  get size(): number {
    return this.since.size;
  }

  add(namespace: string, key: string, since: number): void {
    this.since.set(`${namespace}\0${key}`, since);
  }

  remove(namespace: string, key: string): void {
    this.since.delete(`${namespace}\0${key}`);
  }

  /** The position from which on the key is parked, or undefined. */
  sinceOf(namespace: string, key: string): number | undefined {
    return this.since.size === 0 ? undefined : this.since.get(`${namespace}\0${key}`);
  }
}
