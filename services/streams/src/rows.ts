import { inTime } from "@fieldlog/aggregates";
import { namesInPack } from "@fieldlog/objects";
import type { ReadDatabase } from "@fieldlog/read-model";
import { sql } from "kysely";
import { type Defined, Definitions } from "./sorting/definitions.js";
import { definedOf } from "./sorting/load.js";
import {
  type BatchFileRow,
  type BatchRow,
  type DeadLetterRow,
  type MessageRow,
  type StreamTables,
  tableIn,
} from "./sorting/tables.js";

/** Of which streams; empty: any. */
export interface Which {
  readonly group: string;
  readonly stream: string;
  readonly device: string;
}

export interface FoundBatch extends BatchRow {
  readonly messages: number;
  readonly bytes: number;
  readonly slices: readonly string[];
}

/** The tables, read. Every method raises SnapshotsUnavailable after at most 2 s. */
export class Rows {
  constructor(private readonly database: Pick<ReadDatabase<StreamTables>, "db" | "schema">) {}

  /** All that was decided on a namespace's groups and streams, in order. */
  async decided(namespace: string): Promise<Defined[]> {
    const query = this.database.db
      .selectFrom("stream_definitions")
      .selectAll()
      .where("namespace", "=", namespace)
      .orderBy("sequence");
    return (await inTime(query.execute())).map(definedOf);
  }

  async definitions(namespace: string): Promise<Definitions> {
    return new Definitions(await this.decided(namespace));
  }

  /** The newest first. @param state "open", "complete"; empty: any @param before a number, exclusive */
  async batches(
    namespace: string,
    which: Which & { state: string },
    limit: number,
    before: number | undefined,
  ): Promise<FoundBatch[]> {
    let query = this.batchQuery(namespace).orderBy("number", "desc").limit(limit);
    for (const [column, value] of columnsOf(which)) query = query.where(column, "=", value);
    if (which.state === "open") query = query.where("completed_at", "is", null);
    if (which.state === "complete") query = query.where("completed_at", "is not", null);
    if (before !== undefined) query = query.where("number", "<", before);
    return (await inTime(query.execute())).map(batchOf);
  }

  async batch(namespace: string, number: number): Promise<FoundBatch | undefined> {
    const row = await inTime(this.batchQuery(namespace).where("number", "=", number).executeTakeFirst());
    return row && batchOf(row);
  }

  /** In the order in which they came. @param after a position, exclusive */
  async messages(
    namespace: string,
    which: Which & { batch: string; batchNumber?: number; slice?: string },
    limit: number,
    after: number,
  ): Promise<MessageRow[]> {
    let query = this.messageQuery(namespace).where("position", ">", after).orderBy("position").limit(limit);
    for (const [column, value] of columnsOf(which)) query = query.where(column, "=", value);
    if (which.batch !== "") query = query.where("batch_id", "=", which.batch);
    if (which.slice !== undefined) query = query.where("slice", "=", which.slice);
    if (which.batchNumber !== undefined) query = query.where("batch", "=", which.batchNumber);
    return (await inTime(query.execute())).map(messageOf);
  }

  async message(namespace: string, position: number): Promise<MessageRow | undefined> {
    const query = this.messageQuery(namespace).where("position", "=", position);
    const row = await inTime(query.executeTakeFirst());
    return row && messageOf(row);
  }

  async deadLetters(namespace: string, limit: number, after: number): Promise<DeadLetterRow[]> {
    const query = this.database.db
      .selectFrom("stream_dead_letters")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("position", ">", after)
      .orderBy("position")
      .limit(limit);
    return inTime(query.execute());
  }

  /** Whether some message refers to it, or did. */
  async usesUpload(namespace: string, device: string, external: string): Promise<boolean> {
    const uses = (table: "stream_parts" | "stream_dead_letters") =>
      inTime(
        this.database.db
          .selectFrom(table)
          .select("position")
          .where("namespace", "=", namespace)
          .where("device", "=", device)
          .where("external", "=", external)
          .where("external", "<>", "")
          .limit(1)
          .execute(),
      );
    return (await uses("stream_parts")).length + (await uses("stream_dead_letters")).length > 0;
  }

  /** Those of the devices that have messages. */
  async inStreams(namespace: string, devices: readonly string[]): Promise<Set<string>> {
    const query = this.database.db
      .selectFrom("stream_cursors")
      .select("device")
      .distinct()
      .where("namespace", "=", namespace)
      .where("device", "=", sql<string>`any(${devices}::text[])`);
    return new Set((await inTime(query.execute())).map(({ device }) => device));
  }

  /** Those of the packs in which some message lies. @param packs with positions between which those do that ever did */
  async usedPacks(
    namespace: string,
    packs: readonly { readonly object: string; readonly first: number; readonly last: number }[],
  ): Promise<Set<string>> {
    const query = sql<{ object: string }>`
      SELECT k.object FROM unnest(${packs.map(({ object }) => object)}::text[],
        ${packs.map(({ object }) => namesInPack(object))}::text[],
        ${packs.map(({ first }) => first)}::bigint[], ${packs.map(({ last }) => last)}::bigint[])
        AS k(object, names, first, last)
      WHERE EXISTS (
        SELECT 1 FROM ${tableIn(this.database, "stream_messages")} m WHERE m.namespace = ${namespace}
        AND m.position BETWEEN k.first AND k.last AND starts_with(m.object, k.names)
      )`;
    const { rows } = await inTime(query.execute(this.database.db));
    return new Set(rows.map(({ object }) => object));
  }

  /** The file of a batch, or of a slice of it; undefined: it is none (yet). */
  async batchFile(namespace: string, number: number, slice: string): Promise<BatchFileRow | undefined> {
    const query = this.database.db
      .selectFrom("stream_batch_files")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("number", "=", number)
      .where("slice", "=", slice);
    return inTime(query.executeTakeFirst());
  }

  private batchQuery(namespace: string) {
    const own = sql`FROM ${tableIn(this.database, "stream_messages")} m WHERE m.namespace = stream_batches.namespace AND m.batch = stream_batches.number`;
    return this.database.db
      .selectFrom("stream_batches")
      .selectAll()
      .select([
        sql<number>`(SELECT count(*) ${own})`.as("messages"),
        sql<number | null>`(SELECT sum(m.bytes) ${own})`.as("bytes"),
        sql<string[] | null>`(SELECT array_agg(DISTINCT m.slice) ${own})`.as("slices"),
      ])
      .where("namespace", "=", namespace);
  }

  private messageQuery(namespace: string) {
    return this.database.db.selectFrom("stream_messages").selectAll().where("namespace", "=", namespace);
  }
}

function columnsOf({ group, stream, device }: Which): ["grp" | "stream" | "device", string][] {
  const all: ["grp" | "stream" | "device", string][] = [
    ["grp", group],
    ["stream", stream],
    ["device", device],
  ];
  return all.filter(([, value]) => value !== "");
}

type Counted<T> = T & { messages: number | null; bytes: number | null; slices: string[] | null };

function batchOf(row: Counted<BatchRow>): FoundBatch {
  const { messages, bytes, slices } = row;
  const named = (slices ?? []).filter((slice) => slice !== "");
  return {
    ...row,
    number: Number(row.number),
    messages: Number(messages),
    bytes: Number(bytes),
    slices: named,
  };
}

function messageOf(row: MessageRow): MessageRow {
  return { ...row, position: Number(row.position), bytes: Number(row.bytes) };
}
