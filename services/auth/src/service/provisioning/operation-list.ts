import { inTime, type Snapshots, type SnapshotTables } from "@fieldlog/aggregates";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import {
  type BegunOperation,
  type ProvisioningState,
  provisioningOperation,
} from "../../decisions/provisioning-operation.js";

/** An operation with its id. */
export interface FoundOperation {
  readonly id: string;
  readonly operation: BegunOperation;
}

export interface ListAsked {
  readonly namespace: string;
  readonly state: ProvisioningState | undefined;
  readonly limit: number;
  /** Only those with a lower number. */
  readonly before: number | undefined;
}

const number = sql<string>`(state ->> 'number')::bigint`;
const expiresAt = sql<number>`(state ->> 'expiresAt')::bigint`;
const phase = sql<string>`state ->> 'phase'`;
const OPEN = ["pending", "approved"];

/** Operations as the read model has them. */
export class OperationList {
  constructor(
    private readonly database: Pick<ReadDatabase<SnapshotTables>, "db">,
    private readonly snapshots: Pick<Snapshots, "loadAll">,
    /** ms since 1970 UTC. */
    private readonly now: () => number,
  ) {}

  /** The newest first. Raises SnapshotsUnavailable. */
  async list({ namespace, state, limit, before }: ListAsked): Promise<FoundOperation[]> {
    let query = this.of(namespace, state);
    if (before !== undefined) query = query.where(number, "<", String(before));
    const rows = await inTime(query.select("id").orderBy(number, "desc").limit(limit).execute());
    const ids = rows.map(({ id }) => id);
    const found = (await this.snapshots.loadAll(provisioningOperation, namespace, ids)).flatMap(
      ({ id, state: operation }) => (operation.phase === "none" ? [] : [{ id, operation }]),
    );
    return found.sort((a, b) => b.operation.number - a.operation.number);
  }

  /** How many wait for somebody to approve them, or for their device to come. Raises SnapshotsUnavailable. */
  async waiting(namespace: string): Promise<number> {
    const query = this.of(namespace, undefined)
      .where(phase, "in", OPEN)
      .where(expiresAt, ">", this.now())
      .select((row) => row.fn.countAll<number>().as("count"));
    return (await inTime(query.executeTakeFirstOrThrow())).count;
  }

  private of(namespace: string, state: ProvisioningState | undefined) {
    const query = this.database.db
      .selectFrom("aggregates")
      .where("kind", "=", provisioningOperation.kind)
      .where("namespace", "=", namespace);
    switch (state) {
      case undefined:
        return query;
      case "expired":
        return query.where(phase, "in", OPEN).where(expiresAt, "<=", this.now());
      case "pending":
      case "approved":
        return query.where(phase, "=", state).where(expiresAt, ">", this.now());
      default:
        return query.where(phase, "=", state);
    }
  }
}
