import { type Id, inTime, loadState } from "@fieldlog/aggregates";
import type { Decider, Snapshot } from "@fieldlog/decider";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import type { PropertyKind } from "./json.js";
import { type Properties, properties } from "./properties.js";
import { type PropertiesTables, type PropertyChangeRow, STATES } from "./tables.js";

export interface ChangesAsked extends Id {
  /** Empty: all. */
  readonly kind: string;
  readonly limit: number;
  /** A sequence, exclusive. */
  readonly before: number | undefined;
}

/** The tables of properties, read. Every method raises SnapshotsUnavailable after at most 2 s. */
export class Rows {
  constructor(private readonly database: Pick<ReadDatabase<PropertiesTables>, "db">) {}

  /** What decisions start from. */
  load<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State> | undefined> {
    return loadState(this.database, STATES, decider, id);
  }

  /** As they were at a sequence, or a time (ms since 1970 UTC). */
  async asOf(
    { namespace, id }: Id,
    { sequence, at }: { sequence?: number; at?: number },
  ): Promise<Properties> {
    let query = this.database.db
      .selectFrom("property_changes")
      .distinctOn("kind")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("device", "=", id)
      .orderBy("kind")
      .orderBy("sequence", "desc");
    if (sequence !== undefined) query = query.where("sequence", "<=", sequence);
    if (at !== undefined) query = query.where("changed_at", "<=", sql<Date>`${new Date(at).toISOString()}`);
    const rows = await inTime(query.execute());
    const taken = rows.find(({ kind }) => kind === "reported")?.taken ?? undefined;
    const versioned = rows.map(({ kind, value, version, changed_at }) => {
      return [kind as PropertyKind, { value, version, changedAt: changed_at.getTime() }] as const;
    });
    return {
      ...{ ...properties.initial, ...Object.fromEntries(versioned) },
      ...(taken === undefined ? {} : { taken }),
    };
  }

  /** The newest first. */
  async changes({ namespace, id, kind, limit, before }: ChangesAsked): Promise<PropertyChangeRow[]> {
    let query = this.database.db
      .selectFrom("property_changes")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("device", "=", id)
      .orderBy("sequence", "desc")
      .limit(limit);
    if (kind !== "") query = query.where("kind", "=", kind);
    if (before !== undefined) query = query.where("sequence", "<", before);
    return await inTime(query.execute());
  }
}
