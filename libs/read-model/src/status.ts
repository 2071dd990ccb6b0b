import type { Kysely } from "kysely";
import type { Bookkeeping } from "./bookkeeping.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";

/** The same answer on every replica. */
export interface ReadModelStatus {
  readonly name: string;
  readonly version: number;
  /** Applied, and visible to queries. */
  readonly sequence: number;
  readonly logSequence: number;
  readonly state: "live" | "catching-up" | "rebuilding" | "stopped";
  readonly rebuildSequence?: number;
  /** Keys whose records wait as dead letters. */
  readonly parked: number;
  /** Why it is stopped. */
  readonly reason?: string;
}

export async function modelStatus<T>(
  db: Kysely<Bookkeeping>,
  log: ReadableLog,
  definition: ReadModelDefinition<T>,
): Promise<ReadModelStatus> {
  const { name, version, stream } = definition;
  const rows = await db.selectFrom("read_models").selectAll().where("name", "=", name).execute();
  const live = rows.find((row) => row.stage === "live");
  const staged = rows.find((row) => row.stage === "rebuild");
  const asked = await db
    .selectFrom("requests")
    .select("id")
    .where("read_model", "=", name)
    .where("kind", "=", "rebuild")
    .where("finished_at", "is", null)
    .executeTakeFirst();
  const parked = await db
    .selectFrom("dead_letters")
    .select(["namespace", "key"])
    .distinct()
    .where("read_model", "=", name)
    .where("stage", "=", "live")
    .where("key", "!=", "")
    .execute();
  const logSequence = await log.lastSequence(stream);
  const sequence = live?.sequence ?? 0;
  const reason = live?.stopped_reason;
  let state: ReadModelStatus["state"] = sequence < logSequence ? "catching-up" : "live";
  if (staged || asked) state = "rebuilding";
  else if (reason) state = "stopped";
  return {
    ...{ name, version: live?.version ?? version, sequence, logSequence, state, parked: parked.length },
    ...(staged ? { rebuildSequence: staged.sequence } : {}),
    ...(reason ? { reason } : {}),
  };
}
