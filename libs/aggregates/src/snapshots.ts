import { type AggregateId, limits } from "@fieldlog/contracts";
import type { Decider, Snapshot } from "@fieldlog/decider";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import { fromJson } from "./plain.js";
import type { AggregateRow, SnapshotTables } from "./snapshot-model.js";

/** The service's read model does not answer: Postgres is away, slow, or its tables are not made yet. */
export class SnapshotsUnavailable extends Error {
  override readonly name = "SnapshotsUnavailable";
  constructor(options?: ErrorOptions) {
    super("the read model does not answer", options);
  }
}

/** An aggregate of a kind that the caller knows. */
export type Id = Omit<AggregateId, "kind">;

/**
 * What decisions start from. Every method raises {@link SnapshotsUnavailable} after at most 2 s.
 *
 * While the tables of another version are live, because those of `version` are still being built, they are
 * not read: `load` finds nothing, so that all is read from the log, and `list` is unavailable.
 */
export class Snapshots {
  constructor(
    private readonly database: Pick<ReadDatabase<SnapshotTables>, "db">,
    /** That of the {@link snapshotModel}. */
    private readonly version: number,
  ) {}

  /** undefined: the read model has none (yet). */
  async load<State>({ kind }: Decider<State>, { namespace, id }: Id): Promise<Snapshot<State> | undefined> {
    const row = await inTime(
      this.rows(kind).where("namespace", "=", namespace).where("id", "=", id).executeTakeFirst(),
    );
    return row?.version === this.version ? snapshot<State>(row) : undefined;
  }

  /** The aggregates that go by that key as well. Whoever must be sure folds them up to now and looks again. */
  async find({ kind }: Decider<unknown>, key: string): Promise<Id[]> {
    return inTime(
      this.database.db
        .selectFrom("aggregate_keys")
        .select(["namespace", "id"])
        .where("kind", "=", kind)
        .where("key", "=", key)
        .limit(16)
        .execute(),
    );
  }

  /** How many aggregates go by that key as well. */
  async countFound({ kind }: Decider<unknown>, key: string): Promise<number> {
    const { count } = await inTime(
      this.database.db
        .selectFrom("aggregate_keys")
        .select((row) => row.fn.countAll<number>().as("count"))
        .where("kind", "=", kind)
        .where("key", "=", key)
        .executeTakeFirstOrThrow(),
    );
    return count;
  }

  /** All aggregates that go by any of those keys, with the key. Unbounded: for what the caller's limits bound. */
  async findAll({ kind }: Decider<unknown>, keys: readonly string[]): Promise<(Id & { key: string })[]> {
    return inTime(
      this.database.db
        .selectFrom("aggregate_keys")
        .select(["key", "namespace", "id"])
        .where("kind", "=", kind)
        .where("key", "=", sql<string>`any(${keys}::text[])`)
        .execute(),
    );
  }

  /** All aggregates that go by that key as well, however many, in pages of at most {@link limits.pageRows}. */
  async *findPages({ kind }: Decider<unknown>, key: string): AsyncGenerator<Id[], void> {
    let last: Id | undefined;
    do {
      let query = this.database.db
        .selectFrom("aggregate_keys")
        .select(["namespace", "id"])
        .where("kind", "=", kind)
        .where("key", "=", key);
      if (last) query = query.where(sql<boolean>`(namespace, id) > (${last.namespace}, ${last.id})`);
      const page = await inTime(query.orderBy("namespace").orderBy("id").limit(limits.pageRows).execute());
      if (page.length > 0) yield page;
      last = page.length === limits.pageRows ? page.at(-1) : undefined;
    } while (last);
  }

  /** Those of one kind and one namespace that the read model has, in no order. */
  async loadAll<State>(
    { kind }: Decider<State>,
    namespace: string,
    ids: readonly string[],
  ): Promise<(Id & Snapshot<State>)[]> {
    const rows = await inTime(
      this.rows(kind)
        .where("namespace", "=", namespace)
        .where("id", "=", sql<string>`any(${ids}::text[])`)
        .execute(),
    );
    return this.ofThisVersion<State>(rows);
  }

  /** All of one kind in a namespace, oldest id first by the sequence of their newest decision. */
  async list<State>({ kind }: Decider<State>, namespace: string): Promise<(Id & Snapshot<State>)[]> {
    const rows = await inTime(
      this.rows(kind).where("namespace", "=", namespace).orderBy("sequence").execute(),
    );
    return this.ofThisVersion<State>(rows);
  }

  /** Some of one kind in a namespace, by id, behind `after`; those that the read model has. */
  async page<State>(
    { kind }: Decider<State>,
    namespace: string,
    after: string,
    limit: number,
  ): Promise<(Id & Snapshot<State>)[]> {
    const rows = await inTime(
      this.rows(kind)
        .where("namespace", "=", namespace)
        .where("id", ">", after)
        .orderBy("id")
        .limit(limit)
        .execute(),
    );
    return this.ofThisVersion<State>(rows);
  }

  /** @param phase only of those whose state has it; looks at each one's state */
  async count({ kind }: Decider<unknown>, namespace: string, phase?: string): Promise<number> {
    let query = this.database.db
      .selectFrom("aggregates")
      .select((row) => row.fn.countAll<number>().as("count"))
      .where("namespace", "=", namespace)
      .where("kind", "=", kind);
    if (phase !== undefined) query = query.where(sql<boolean>`state ->> 'phase' = ${phase}`);
    const { count } = await inTime(query.executeTakeFirstOrThrow());
    return count;
  }

  private ofThisVersion<State>(rows: readonly Omit<AggregateRow, "kind">[]): (Id & Snapshot<State>)[] {
    if (rows.some((row) => row.version !== this.version)) throw new SnapshotsUnavailable();
    return rows.map((row) => ({ namespace: row.namespace, id: row.id, ...snapshot<State>(row) }));
  }

  private rows(kind: string) {
    return this.database.db
      .selectFrom("aggregates")
      .select([
        "namespace",
        "id",
        "sequence",
        "version",
        (row) => row.cast<string>("state", "text").as("state"),
      ])
      .where("kind", "=", kind);
  }
}

function snapshot<State>(row: { sequence: number; state: string }): Snapshot<State> {
  return { sequence: row.sequence, state: fromJson(row.state) as State };
}

/** What a query answers; raises {@link SnapshotsUnavailable} if it does not within 2 s. */
export async function inTime<T>(query: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), limits.readYourWritesMs);
  });
  try {
    return await Promise.race([query, late]);
  } catch (cause) {
    throw new SnapshotsUnavailable({ cause });
  } finally {
    clearTimeout(timer);
  }
}
