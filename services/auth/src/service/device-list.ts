import { type Id, inTime, type SnapshotTables } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Decider } from "@fieldlog/decider";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";

/** Devices that have an MQTT password, as the read model has them. */
export class DeviceList {
  constructor(private readonly database: Pick<ReadDatabase<SnapshotTables>, "db">) {}

  /**
   * Those of that id, whichever namespace they are in: those that have had a password for longest, so that whoever
   * takes the id later crowds nobody out. Raises SnapshotsUnavailable.
   */
  async find({ kind }: Decider<unknown>, device: string): Promise<Id[]> {
    return inTime(
      this.database.db
        .selectFrom("aggregate_keys as key")
        .innerJoin("aggregates as whole", (join) =>
          join
            .onRef("whole.namespace", "=", "key.namespace")
            .onRef("whole.kind", "=", "key.kind")
            .onRef("whole.id", "=", "key.id"),
        )
        .select(["key.namespace", "key.id"])
        .where("key.kind", "=", kind)
        .where("key.key", "=", device)
        .orderBy(sql`(whole.state ->> 'passwordSince')::bigint`)
        .limit(limits.devicesOfOneId)
        .execute(),
    );
  }
}
