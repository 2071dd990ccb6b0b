import { createHash, type Hash } from "node:crypto";
import { type DataKeys, DeviceErased } from "@fieldlog/data-keys";
import { encrypted, type ObjectStore } from "@fieldlog/objects";
import type { ReadDatabase } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import { type Kysely, sql } from "kysely";
import { type MessageRow, type PartRow, SCHEMA, type StreamTables } from "../sorting/tables.js";
import { objectOf } from "./names.js";
import { Unreadable, unpacked } from "./packed.js";

/** What became of a message. */
export interface Stored {
  readonly object: string;
  readonly bytes: number;
  readonly sha256: Uint8Array;
}

/** Parts of a message in chunks that are read at once. */
const PARTS = 16;

export interface StorageParts {
  readonly database: Pick<ReadDatabase<StreamTables>, "db">;
  readonly objects: ObjectStore;
  readonly keys: Pick<DataKeys, "get">;
  readonly logger: Pick<Logger, "warn">;
}

/** Messages on their way from their parts into objects. */
export class StoredMessages {
  private readonly db: Kysely<StreamTables>;

  constructor(private readonly parts: StorageParts) {
    this.db = parts.database.db;
  }

  /** Those that are complete and no objects yet, in the order in which they came. */
  waiting(limit: number): Promise<MessageRow[]> {
    return this.db
      .selectFrom("stream_messages")
      .selectAll()
      .where("complete", "=", true)
      .where("object", "is", null)
      .orderBy("position")
      .limit(limit)
      .execute();
  }

  /** Of each: undefined: nothing can be stored of it, now or ever. Rejected: it is to be tried again. */
  async store(messages: readonly MessageRow[]): Promise<PromiseSettledResult<Stored | undefined>[]> {
    const single = await this.single(messages.filter(({ chunks }) => chunks === 1));
    const keys = new KeysOnce(this.parts.keys);
    return Promise.allSettled(
      messages.map((message) => {
        const part = single.get(nameOf(message.namespace, message.position));
        return this.storeOne(message, part ? [part] : partsOf(this.db, message), keys);
      }),
    );
  }

  /** That they are stored, and their parts are not needed any more. */
  async note(messages: readonly MessageRow[], stored: readonly (Stored | undefined)[]): Promise<void> {
    if (messages.length === 0) return;
    const which = sql`
      ${messages.map(({ namespace }) => namespace)}::text[], ${messages.map(({ position }) => position)}::bigint[]`;
    await sql`
      UPDATE ${sql.table(`${SCHEMA}.stream_messages`)} m SET object = k.object, bytes = k.bytes, sha256 = k.sha256
      FROM unnest(${which}, ${stored.map((one) => one?.object ?? "")}::text[],
        ${stored.map((one) => one?.bytes ?? 0)}::bigint[], ${stored.map((one) => asBuffer(one?.sha256))}::bytea[])
        AS k(namespace, position, object, bytes, sha256)
      WHERE m.namespace = k.namespace AND m.position = k.position`.execute(this.db);
    await sql`
      UPDATE ${sql.table(`${SCHEMA}.stream_parts`)} p SET payload = NULL
      FROM unnest(${which}) AS k(namespace, position)
      WHERE p.namespace = k.namespace AND p.message = k.position`.execute(this.db);
  }

  private async single(messages: readonly MessageRow[]): Promise<Map<string, PartRow>> {
    if (messages.length === 0) return new Map();
    const { rows } = await sql<PartRow>`
      SELECT p.* FROM ${sql.table(`${SCHEMA}.stream_parts`)} p
      JOIN unnest(${messages.map(({ namespace }) => namespace)}::text[],
        ${messages.map(({ position }) => position)}::bigint[]) AS k(namespace, position)
      ON p.namespace = k.namespace AND p.message = k.position`.execute(this.db);
    return new Map(rows.map((part) => [nameOf(part.namespace, part.message), part]));
  }

  private async storeOne(
    { namespace, device, position }: MessageRow,
    parts: Iterable<PartRow> | AsyncIterable<PartRow>,
    keys: KeysOnce,
  ): Promise<Stored | undefined> {
    const { objects, logger } = this.parts;
    const object = objectOf(namespace, device, Number(position));
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
}

/** Of the parts of a message, in order, some at a time. */
async function* partsOf(
  db: Kysely<StreamTables>,
  { namespace, position }: MessageRow,
): AsyncGenerator<PartRow, void> {
  for (let after = 0; ; ) {
    const page = await db
      .selectFrom("stream_parts")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("message", "=", position)
      .where("position", ">", after)
      .orderBy("position")
      .limit(PARTS)
      .execute();
    yield* page;
    if (page.length < PARTS) return;
    after = Number(page.at(-1)?.position);
  }
}

/** Each device's key, asked for once. To be let go of soon: a key that is destroyed is to be nowhere. */
class KeysOnce {
  private readonly asked = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly keys: Pick<DataKeys, "get">) {}

  get(namespace: string, device: string): Promise<Uint8Array> {
    const name = `${namespace}/${device}`;
    const key = this.asked.get(name) ?? this.keys.get(namespace, device);
    this.asked.set(name, key);
    return key;
  }
}

function nameOf(namespace: string, position: number): string {
  return `${namespace}/${position}`;
}

/** As a list of them is sent. */
function asBuffer(bytes: Uint8Array | undefined): Buffer | null {
  return bytes ? Buffer.from(bytes) : null;
}

export async function* hashed(
  content: AsyncIterable<Uint8Array>,
  hash: Hash,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}
