import type { Kysely } from "kysely";
import pg from "pg";
import type { Bookkeeping } from "./bookkeeping.js";
import { CheckpointMoved } from "./failures.js";
import type { Stage } from "./lock.js";

export interface Checkpoint {
  readonly version: number;
  readonly sequence: number;
}

/** Undefined: there is no such read model yet, or none that is being rebuilt. */
export async function loadCheckpoint(
  db: Kysely<Bookkeeping>,
  name: string,
  stage: Stage,
): Promise<Checkpoint | undefined> {
  return await db
    .selectFrom("read_models")
    .select(["version", "sequence"])
    .where("name", "=", name)
    .where("stage", "=", stage)
    .executeTakeFirst();
}

export async function createCheckpoint(
  db: Kysely<Bookkeeping>,
  name: string,
  stage: Stage,
  version: number,
): Promise<void> {
  await db.insertInto("read_models").values({ name, stage, version, sequence: 0 }).execute();
}

/**
 * The move of a checkpoint. It fails the transaction if the checkpoint is not where this session left it:
 * the lock already sees to that, this makes sure.
 */
export class Advance {
  constructor(
    private readonly schema: string,
    private readonly name: string,
    private readonly stage: Stage,
    private readonly version: number,
    private readonly from: number,
    private readonly to: number,
  ) {}

  /** BEGIN and the move in one round trip; the row stays locked until the transaction ends. */
  async begin(client: pg.Client): Promise<void> {
    const results: unknown = await client.query(
      `BEGIN; UPDATE ${pg.escapeIdentifier(this.schema)}.read_models SET sequence = ${this.to}
        WHERE name = ${pg.escapeLiteral(this.name)} AND stage = '${this.stage}'
        AND version = ${this.version} AND sequence = ${this.from}`,
    );
    const [, update] = results as pg.QueryResult[];
    if (update?.rowCount !== 1) throw new CheckpointMoved("another session wrote this read model");
  }
}

export async function setStopped(
  db: Kysely<Bookkeeping>,
  name: string,
  reason: string | null,
): Promise<void> {
  await db
    .updateTable("read_models")
    .set({ stopped_reason: reason })
    .where("name", "=", name)
    .where("stage", "=", "live")
    .where("stopped_reason", "is distinct from", reason)
    .execute();
}
