import { createHash } from "node:crypto";
import { limits } from "@fieldlog/contracts";
import { DeviceErased } from "@fieldlog/data-keys";
import { encrypted, type ObjectStore } from "@fieldlog/objects";
import { type Kysely, sql } from "kysely";
import { type BatchRow, type StreamTables, tableIn } from "../sorting/tables.js";
import { type BatchFile, putBatchParts } from "./batch-parts.js";
import { readingPacksOnce } from "./packs.js";
import { hashed, type StorageParts } from "./stored-messages.js";

/** Messages of a batch that are looked up at once. */
const PAGE = 1_000;
const LINE = Buffer.from("\n");

/** A batch as it was stored. */
export interface StoredBatch {
  readonly messages: number;
  /** Of its messages. */
  readonly bytes: number;
  /** Whether it is a file, or several by its slices. */
  readonly isFile: boolean;
}

/** Batches that are complete, on their way into files: their messages one after the other, slice by slice. */
export class BatchFiles {
  private readonly db: Kysely<StreamTables>;

  constructor(private readonly parts: StorageParts) {
    this.db = parts.database.db;
  }

  /** Those that are complete and were not told of, whose messages are all stored. @param without namespaces */
  waiting(limit: number, without: readonly string[] = []): Promise<BatchRow[]> {
    const missing = sql`SELECT 1 FROM ${tableIn(this.parts.database, "stream_messages")} m
      WHERE m.namespace = stream_batches.namespace AND m.batch = stream_batches.number AND m.object IS NULL`;
    return this.db
      .selectFrom("stream_batches")
      .selectAll()
      .where("completed_at", "is not", null)
      .where("told", "=", false)
      .where("namespace", "<>", sql<string>`all(${without}::text[])`)
      .where(sql<boolean>`NOT EXISTS (${missing})`)
      .orderBy("number")
      .limit(limit)
      .execute();
  }

  /** Raises ObjectsUnavailable. */
  async store(batch: BatchRow): Promise<StoredBatch> {
    const slices = await this.slicesOf(batch);
    const messages = slices.reduce((sum, slice) => sum + slice.messages, 0);
    const bytes = slices.reduce((sum, slice) => sum + slice.bytes, 0);
    const all = bytes + messages * LINE.length;
    if (batch.concatenation === "none" || all > limits.streamBatchBytes) {
      return { messages, bytes, isFile: false };
    }
    for (const { slice } of slices) await this.storeSlice(batch, slice);
    return { messages, bytes, isFile: true };
  }

  async note(batches: readonly BatchRow[]): Promise<void> {
    if (batches.length === 0) return;
    await sql`
      UPDATE ${tableIn(this.parts.database, "stream_batches")} b SET told = true
      FROM unnest(${batches.map(({ namespace }) => namespace)}::text[],
        ${batches.map(({ number }) => number)}::bigint[]) AS k(namespace, number)
      WHERE b.namespace = k.namespace AND b.number = k.number`.execute(this.db);
  }

  private async slicesOf({ namespace, number }: BatchRow) {
    const rows = await this.db
      .selectFrom("stream_messages")
      .select(({ fn }) => ["slice", fn.countAll().as("messages"), fn.sum("bytes").as("bytes")])
      .where("namespace", "=", namespace)
      .where("batch", "=", number)
      .groupBy("slice")
      .orderBy("slice")
      .execute();
    return rows.map(({ slice, messages, bytes }) => ({
      ...{ slice, messages: Number(messages), bytes: Number(bytes) },
    }));
  }

  private async storeSlice({ namespace, device, number, concatenation }: BatchRow, slice: string) {
    const file: BatchFile = { namespace, device, batch: Number(number), slice };
    // It could not be told of: nothing of it has changed since.
    if (await this.isStored(file)) return;
    const hash = createHash("sha256");
    try {
      const objects = readingPacksOnce(this.parts.objects);
      const store = encrypted(objects, await this.parts.keys.get(namespace, device));
      const content = this.content(store, file, concatenation === "lines");
      const bytes = await putBatchParts(store, file, hashed(content, hash));
      const row = { namespace, number: file.batch, device, slice, bytes, sha256: hash.digest() };
      await this.db
        .insertInto("stream_batch_files")
        .values(row)
        .onConflict((conflict) => conflict.columns(["namespace", "number", "slice"]).doUpdateSet(row))
        .execute();
    } catch (error) {
      // There is nothing to be read any more, and nobody to be told.
      if (!(error instanceof DeviceErased)) throw error;
    }
  }

  private async isStored({ namespace, batch, slice }: BatchFile): Promise<boolean> {
    const found = await this.db
      .selectFrom("stream_batch_files")
      .select("number")
      .where("namespace", "=", namespace)
      .where("number", "=", batch)
      .where("slice", "=", slice)
      .executeTakeFirst();
    return found !== undefined;
  }

  private async *content(
    store: ObjectStore,
    { namespace, batch, slice }: BatchFile,
    lines: boolean,
  ): AsyncGenerator<Uint8Array, void> {
    for (let after = 0; ; ) {
      const page = await this.db
        .selectFrom("stream_messages")
        .select(["position", "object"])
        .where("namespace", "=", namespace)
        .where("batch", "=", batch)
        .where("slice", "=", slice)
        .where("position", ">", after)
        .orderBy("position")
        .limit(PAGE)
        .execute();
      for (const { object } of page) {
        // Of one that could not be unpacked there is none.
        if (!object) continue;
        yield* store.get(object);
        if (lines) yield LINE;
      }
      if (page.length < PAGE) return;
      after = Number(page.at(-1)?.position);
    }
  }
}
