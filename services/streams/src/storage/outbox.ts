import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type DataKeys, DeviceErased } from "@fieldlog/data-keys";
import type { EventLog } from "@fieldlog/event-log";
import { encrypted, type ObjectStore } from "@fieldlog/objects";
import { type ReadDatabase, underLease } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import type { BatchRow, MessageRow, StreamTables } from "../sorting/tables.js";
import { SCHEMA } from "../sorting/tables.js";
import { Unreadable, unpacked } from "./packed.js";
import { batchSignal, messageSignal } from "./signals.js";

/** Messages that are stored at once. */
const AT_ONCE = 32;
/** Milliseconds between two looks, while there is nothing to do, and after something failed. */
const PAUSE_MS = 100;
const AGAIN_MS = 1_000;

/** What became of a message. */
interface Stored {
  readonly object: string;
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

/** Of one that cannot be stored. */
const NOTHING = { object: "", bytes: 0, sha256: null };

export interface OutboxParts {
  readonly log: Pick<EventLog, "signals">;
  readonly database: Pick<ReadDatabase<StreamTables>, "db">;
  readonly objects: ObjectStore;
  readonly keys: Pick<DataKeys, "get">;
  readonly logger: Pick<Logger, "warn">;
  /** postgres://… */
  readonly url: string;
}

/** The name of a message's object: the same each time that it is stored. */
export function objectOf(namespace: string, position: number): string {
  return `${namespace}/~streams/${position}`;
}

/**
 * Makes of each complete message an object, unpacked, and tells of it; then of batches that are complete. One replica at a
 * time; what was done and not noted is done again, under the same names.
 */
export class Outbox {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: OutboxParts) {}

  start(): void {
    const { url, logger } = this.parts;
    const { signal } = this.ending;
    const onChange = (state: string, reason?: string) => {
      if (state === "away") logger.warn({ reason }, "what is complete is not stored just now");
    };
    this.running = underLease({ url, schema: SCHEMA, name: "outbox", signal, onChange }, (held) =>
      this.work(held),
    );
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  private async work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const pause = await this.round(signal).catch((err: unknown) => {
        this.parts.logger.warn({ err }, "storing what is complete is tried again");
        return AGAIN_MS;
      });
      if (pause > 0) await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns milliseconds after which to look again */
  private async round(signal: AbortSignal): Promise<number> {
    const { db } = this.parts.database;
    const waiting = await db
      .selectFrom("stream_messages")
      .selectAll()
      .where("complete", "=", true)
      .where("object", "is", null)
      .orderBy("position")
      .limit(AT_ONCE)
      .execute();
    if (signal.aborted) return 0;
    const stored = await Promise.all(waiting.map((message) => this.store(message)));
    // The log takes them in the order in which it is given them.
    await Promise.all(waiting.map((message, index) => this.tellMessage(message, stored[index])));
    await Promise.all(waiting.map((message, index) => this.note(message, stored[index] ?? NOTHING)));
    if (waiting.length === AT_ONCE) return 0;
    const batches = await db
      .selectFrom("stream_batches")
      .selectAll()
      .where("completed_at", "is not", null)
      .where("told", "=", false)
      .orderBy("number")
      .limit(AT_ONCE)
      .execute();
    for (const batch of batches) await this.tell(batch);
    return waiting.length + batches.length > 0 ? 0 : PAUSE_MS;
  }

  /** Undefined: nothing can be stored of it, now or ever. */
  private async store(message: MessageRow): Promise<Stored | undefined> {
    const { database, objects, keys, logger } = this.parts;
    const { namespace, device } = message;
    const position = Number(message.position);
    const parts = await database.db
      .selectFrom("stream_parts")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("message", "=", position)
      .orderBy("position")
      .execute();
    const object = objectOf(namespace, position);
    const sha256 = createHash("sha256");
    try {
      const store = encrypted(objects, await keys.get(namespace, device));
      const { bytes } = await store.put(object, hashed(unpacked(parts, store), sha256));
      return { object, bytes, sha256: sha256.digest() };
    } catch (error) {
      if (error instanceof DeviceErased) return undefined;
      if (!(error instanceof Unreadable)) throw error;
      // Nothing will ever make it readable: others are not to wait for it.
      logger.warn({ namespace, position, reason: error.message }, "a message cannot be unpacked");
      return undefined;
    }
  }

  private async tellMessage(message: MessageRow, stored: Stored | undefined): Promise<void> {
    if (stored === undefined) return;
    const { namespace } = message;
    const position = Number(message.position);
    await this.parts.log.signals.append(namespace, messageSignal({ ...message, ...stored, position }));
  }

  private async note(
    { namespace, position }: MessageRow,
    stored: Pick<MessageRow, "object" | "bytes" | "sha256">,
  ): Promise<void> {
    const { db } = this.parts.database;
    await db
      .updateTable("stream_messages")
      .set(stored)
      .where("namespace", "=", namespace)
      .where("position", "=", position)
      .execute();
    await db
      .updateTable("stream_parts")
      .set({ payload: null })
      .where("namespace", "=", namespace)
      .where("message", "=", position)
      .execute();
  }

  private async tell(batch: BatchRow): Promise<void> {
    const { database, log } = this.parts;
    const { namespace } = batch;
    const number = Number(batch.number);
    const { messages, bytes, waiting } = await database.db
      .selectFrom("stream_messages")
      .select(({ fn, eb }) => [
        fn.countAll<number>().as("messages"),
        fn.sum<number>("bytes").as("bytes"),
        fn.count<number>(eb.case().when("object", "is", null).then(1).end()).as("waiting"),
      ])
      .where("namespace", "=", namespace)
      .where("batch", "=", number)
      .executeTakeFirstOrThrow();
    if (Number(waiting) > 0) return;
    await log.signals.append(
      namespace,
      batchSignal({ ...batch, number, messages: Number(messages), bytes: Number(bytes) }),
    );
    await database.db
      .updateTable("stream_batches")
      .set({ told: true })
      .where("namespace", "=", namespace)
      .where("number", "=", number)
      .execute();
  }
}

async function* hashed(
  content: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}
