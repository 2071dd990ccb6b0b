import { type Id, inTime, loadState } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Decider, Snapshot } from "@fieldlog/decider";
import { instant } from "@fieldlog/events";
import type { ReadDatabase } from "@fieldlog/read-model";
import { type RawBuilder, sql } from "kysely";
import type { MadeRequest } from "../decisions/data-request.js";
import type { MadeUpload } from "../decisions/upload.js";
import type { OpenRequest } from "../decisions/wanted.js";
import { type OfferTables, SCHEMA, STATES } from "./tables.js";

/** A request as of its decision at `sequence`, and how many uploads it led to. */
export interface FoundRequest {
  readonly id: string;
  readonly request: MadeRequest;
  readonly uploads: number;
}

export interface FoundUpload {
  readonly id: string;
  readonly upload: MadeUpload;
}

export interface RequestsAsked {
  readonly namespace: string;
  readonly device?: string;
  readonly phase?: string;
  readonly limit: number;
  /** A number, exclusive. */
  readonly before?: number;
}

export interface UploadsAsked extends RequestsAsked {
  readonly sensor?: string;
  /** Whose stretch ends after, or begins before, that time: ms since 1970 UTC. */
  readonly from?: number;
  readonly to?: number;
}

/** The service's tables, read. Every method raises SnapshotsUnavailable after at most 2 s. */
export class Rows {
  constructor(private readonly database: Pick<ReadDatabase<OfferTables>, "db">) {}

  /** What decisions start from. */
  load<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State> | undefined> {
    return loadState(this.database, STATES, decider, id);
  }

  async request(namespace: string, id: string): Promise<FoundRequest | undefined> {
    const query = this.requests(namespace).where("id", "=", id);
    return found(await inTime(query.executeTakeFirst()));
  }

  /** The newest first. */
  async listRequests({ namespace, device, phase, limit, before }: RequestsAsked): Promise<FoundRequest[]> {
    let query = this.requests(namespace).orderBy("number", "desc").limit(limit);
    if (device) query = query.where("device", "=", device);
    if (phase) query = query.where("phase", "=", phase);
    if (before !== undefined) query = query.where("number", "<", before);
    return (await inTime(query.execute())).map((row) => found(row) as FoundRequest);
  }

  /** In order of number. */
  async openRequests(namespace: string): Promise<OpenRequest[]> {
    const query = this.requests(namespace).where("phase", "=", "open").orderBy("number");
    return (await inTime(query.execute())).map(({ id, state }) => {
      const { number, asked } = state;
      return { id, number, asked };
    });
  }

  async uploadOf(namespace: string, number: number): Promise<FoundUpload | undefined> {
    const query = this.uploads(namespace).where("number", "=", number);
    const row = await inTime(query.executeTakeFirst());
    return row && { id: row.id, upload: row.state };
  }

  /** The newest first. */
  async listUploads(asked: UploadsAsked): Promise<FoundUpload[]> {
    const { namespace, device, sensor, phase, limit, before, from, to } = asked;
    let query = this.uploads(namespace).orderBy("number", "desc").limit(limit);
    if (device) query = query.where("device", "=", device);
    if (sensor) query = query.where("sensor", "=", sensor);
    if (phase) query = query.where("phase", "=", phase);
    if (before !== undefined) query = query.where("number", "<", before);
    if (from !== undefined) query = query.where("ends_at", ">", sql<Date>`${instant(from)}`);
    if (to !== undefined) query = query.where("starts_at", "<", sql<Date>`${instant(to)}`);
    const rows = await inTime(query.execute());
    return rows.map(({ id, state }) => ({ id, upload: state }));
  }

  /** Of a device that is erased: what is to be removed. */
  async uploadsOfDevice(namespace: string, device: string): Promise<FoundUpload[]> {
    const query = this.uploads(namespace).where("device", "=", device).where("phase", "!=", "removed");
    return (await inTime(query.execute())).map(({ id, state }) => ({
      ...{ id, upload: state },
    }));
  }

  /** Those of a namespace to which objects may belong. */
  async uploadsKept(namespace: string): Promise<{ id: string; device: string }[]> {
    const query = this.database.db
      .selectFrom("uploads")
      .select(["id", "device"])
      .where("namespace", "=", namespace)
      .where("phase", "in", ["offered", "started", "stored"]);
    return await inTime(query.execute());
  }

  /** Bytes of a namespace's objects, and of those that may become some: what was offered and has not ended. */
  async takenBytes(namespace: string): Promise<number> {
    const query = sql<{ bytes: number }>`
      SELECT coalesce((SELECT bytes FROM ${sql.table(`${SCHEMA}.stored_bytes`)} WHERE namespace = ${namespace}), 0)
           + coalesce(sum((state -> 'offered' ->> 'maxBytes')::bigint), 0)::bigint AS bytes
        FROM ${sql.table(`${SCHEMA}.uploads`)} WHERE namespace = ${namespace} AND phase IN ('offered', 'started')`;
    return Number((await inTime(query.execute(this.database.db))).rows[0]?.bytes ?? 0);
  }

  /** Whose time was over by then: at most {@link limits.pageRows}. */
  overdueRequests(now: number): Promise<Id[]> {
    return this.overdue(sql`data_requests`, sql`phase = 'open'`, now);
  }

  overdueUploads(now: number): Promise<Id[]> {
    return this.overdue(sql`uploads`, sql`phase IN ('offered', 'started')`, now);
  }

  private async overdue(table: RawBuilder<unknown>, isOpen: RawBuilder<unknown>, now: number): Promise<Id[]> {
    const query = sql<Id>`
      SELECT namespace, id FROM ${sql.table(SCHEMA)}.${table}
       WHERE ${isOpen} AND expires_at <= ${instant(now)} ORDER BY expires_at LIMIT ${limits.pageRows}`;
    return (await inTime(query.execute(this.database.db))).rows;
  }

  private requests(namespace: string) {
    return this.database.db
      .selectFrom("data_requests")
      .select(["id", "uploads", "state"])
      .where("namespace", "=", namespace);
  }

  private uploads(namespace: string) {
    return this.database.db.selectFrom("uploads").select(["id", "state"]).where("namespace", "=", namespace);
  }
}

function found(
  row: { readonly id: string; readonly uploads: number; readonly state: MadeRequest } | undefined,
): FoundRequest | undefined {
  return row && { id: row.id, request: row.state, uploads: row.uploads };
}
