import { inTime, type SnapshotTables } from "@fieldlog/aggregates";
import { INSTALLATION } from "@fieldlog/contracts";
import type { ReadDatabase } from "@fieldlog/read-model";
import { CannotOpen, type SealingKeys, WrongInstallationKey } from "@fieldlog/sealing";
import { sql } from "kysely";
import { namespace } from "../decisions/namespace.js";
import { user } from "../decisions/user.js";

export interface SealedByOptions {
  readonly database: Pick<ReadDatabase<SnapshotTables>, "db">;
  readonly keys: SealingKeys;
  /** Resolves when the read model has all that is in the log now. */
  readonly caughtUp: () => Promise<void>;
}

/**
 * Whether all namespaces and users can be opened, as far as the read model can tell by now: of one that is away, behind
 * or being built nothing is known. Raises WrongInstallationKey.
 */
export async function checkSealedBy({ database, keys, caughtUp }: SealedByOptions): Promise<void> {
  const keyId = sql<string>`coalesce(state -> 'dataKey' ->> 'keyId', state -> 'passwordHash' ->> 'keyId')`;
  const looking = async () => {
    await caughtUp();
    return await inTime(
      database.db
        .selectFrom("aggregates")
        .select(["kind", keyId.as("keyId"), (row) => row.fn.countAll<number>().as("count")])
        .where("namespace", "=", INSTALLATION)
        .where("kind", "in", [namespace.kind, user.kind])
        .groupBy(["kind", keyId])
        .execute(),
    );
  };
  for (const { kind, keyId: named, count } of await looking().catch(() => [])) {
    if (named === null || keys.ids.includes(named)) continue;
    throw new WrongInstallationKey(
      new CannotOpen("other-key", `${count} of kind ${kind}`, { tried: keys.ids.join(" or "), named }),
    );
  }
}
