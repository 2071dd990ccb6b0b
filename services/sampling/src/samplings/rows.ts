import { type Id, inTime, loadState } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Decider, Snapshot } from "@fieldlog/decider";
import { instant } from "@fieldlog/events";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { Sampling } from "./device-samplings.js";
import { type SamplingsTables, STATES } from "./tables.js";

/** One, and where it stands. */
export interface FoundSampling {
  readonly device: string;
  readonly sampling: Sampling;
  /** In the device's queue, from 1; undefined: it does not wait. */
  readonly place: number | undefined;
}

/** One that an upload may be for. */
export interface AwaitingSampling {
  readonly id: string;
  readonly device: string;
  readonly sensor: string;
  readonly category: string;
  readonly label: string;
  /** "sent", or what the device said last. */
  readonly state: string;
  /** ms since 1970 UTC. */
  readonly requestedAt: number;
}

export interface SamplingsAsked {
  readonly namespace: string;
  /** Empty: any. */
  readonly device: string;
  /** Empty: any; {@link RUNNING}. */
  readonly phase: string;
  readonly limit: number;
  /** A number, exclusive. */
  readonly before: number | undefined;
}

/** In the place of a phase: sent and not ended. */
const RUNNING = "running";
const RUNNING_PHASES = [
  ...["sent", "accepted", "started", "processing", "reading", "uploading", "finished"],
] as const;

/** This half's tables, read. Every method raises SnapshotsUnavailable after at most 2 s. */
export class Rows {
  constructor(private readonly database: Pick<ReadDatabase<SamplingsTables>, "db">) {}

  /** What decisions start from. */
  load<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State> | undefined> {
    return loadState(this.database, STATES, decider, id);
  }

  async sampling(namespace: string, id: string): Promise<FoundSampling | undefined> {
    const row = await inTime(this.found(namespace).where("id", "=", id).executeTakeFirst());
    return row && foundOf(row);
  }

  /** The newest first. */
  async list({ namespace, device, phase, limit, before }: SamplingsAsked): Promise<FoundSampling[]> {
    let query = this.found(namespace).orderBy("number", "desc").limit(limit);
    if (device !== "") query = query.where("device", "=", device);
    if (phase === RUNNING) query = query.where("phase", "in", RUNNING_PHASES);
    else if (phase !== "") query = query.where("phase", "=", phase);
    if (before !== undefined) query = query.where("number", "<", before);
    return (await inTime(query.execute())).map(foundOf);
  }

  /** Those of a namespace that were sent and have not ended, the oldest first: an upload may be for one of them. */
  async awaiting(namespace: string): Promise<AwaitingSampling[]> {
    const query = this.database.db
      .selectFrom("samplings")
      .select(["device", "state"])
      .where("namespace", "=", namespace)
      .where("phase", "in", RUNNING_PHASES)
      .orderBy("number")
      .limit(limits.pageRows);
    return (await inTime(query.execute())).map(({ device, state }) => {
      const { id, asked, phase, requestedAt } = state;
      const { sensor, category, label } = asked;
      return { id, device, sensor, category, label, state: phase, requestedAt };
    });
  }

  /** Devices for which the time decides something by then: at most {@link limits.pageRows}, the most overdue first. */
  async due(now: number): Promise<Id[]> {
    const query = this.database.db
      .selectFrom("device_samplings")
      .select(["namespace", "device as id"])
      .where("deadline", "<=", sql<Date>`${instant(now)}`)
      .orderBy("deadline")
      .limit(limits.pageRows);
    return await inTime(query.execute());
  }

  /** Devices for which something waits that nothing is known to keep from being sent, as {@link due}. */
  async waiting(): Promise<Id[]> {
    const query = this.database.db
      .selectFrom("device_samplings")
      .select(["namespace", "device as id"])
      .where(sql<boolean>`waiting`)
      .limit(limits.pageRows);
    return await inTime(query.execute());
  }

  private found(namespace: string) {
    return this.database.db
      .selectFrom("samplings as s")
      .select(["device", "state"])
      .select(
        sql<number | null>`CASE WHEN phase = 'queued' THEN (
          SELECT count(*)::integer FROM ${sql.table("sampling.samplings")} AS q
           WHERE q.namespace = s.namespace AND q.device = s.device AND q.phase = 'queued' AND q.number <= s.number)
          END`.as("place"),
      )
      .where("namespace", "=", namespace);
  }
}

function foundOf(row: {
  readonly device: string;
  readonly state: Sampling;
  readonly place: number | null;
}): FoundSampling {
  return { device: row.device, sampling: row.state, place: row.place ?? undefined };
}
