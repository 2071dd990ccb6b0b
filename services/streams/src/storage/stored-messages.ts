import { createHash, type Hash, hash } from "node:crypto";
import { type DataKeys, DeviceErased } from "@fieldlog/data-keys";
import { encrypted, type ObjectStore } from "@fieldlog/objects";
import type { ReadDatabase } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import { type Kysely, sql } from "kysely";
import { type MessageRow, type PartRow, type StreamTables, tableIn } from "../sorting/tables.js";
import { nameOf, partsOf, partsOfSmall } from "./message-parts.js";
import { objectOf } from "./names.js";
import { Unreadable, unpacked } from "./packed.js";
import { inPacks, SMALL_BYTES, type Small } from "./packs.js";
import { resultOf, settled } from "./settled.js";

/** What became of a message. */
export interface Stored {
  /** The name under which it is read; it may lie in a pack. */
  readonly object: string;
  readonly bytes: number;
  readonly sha256: Uint8Array;
}
/** Undefined: nothing can be stored of it, now or ever. Rejected: it is to be tried again. */
type Outcome = PromiseSettledResult<Stored | undefined>;

interface Unnoted {
  /** ms since 1970 UTC. */
  readonly at: number;
  readonly outcome: Outcome;
}

/** Keys that are asked for, packs and large messages that are stored, at once. */
const KEYS = 128;
const PACKS = 4;
const LARGE = 32;
/** Milliseconds for which what was stored is not stored again: less than a pack stays to which no row points. */
const KEPT_MS = 60 * 60_000;

export interface StorageParts {
  readonly database: Pick<ReadDatabase<StreamTables>, "db" | "schema">;
  readonly objects: ObjectStore;
  readonly keys: Pick<DataKeys, "get">;
  readonly logger: Pick<Logger, "warn">;
}

/** Messages on their way from their parts into objects: small ones into packs, large ones each into one of its own. */
export class StoredMessages {
  private readonly db: Kysely<StreamTables>;
  /** What was stored and is not noted: by another name each round, it would fill the storage while the log is full. */
  private unnoted = new Map<string, Unnoted>();

  constructor(private readonly parts: StorageParts) {
    this.db = parts.database.db;
  }

  /** Those that are complete and not stored yet, in the order in which they came. @param without namespaces */
  waiting(limit: number, without: readonly string[] = []): Promise<MessageRow[]> {
    return this.db
      .selectFrom("stream_messages")
      .selectAll()
      .where("complete", "=", true)
      .where("object", "is", null)
      .where("namespace", "<>", sql<string>`all(${without}::text[])`)
      .orderBy("position")
      .limit(limit)
      .execute();
  }

  /** @param messages all that wait now: what was stored of others is forgotten */
  async store(messages: readonly MessageRow[]): Promise<Outcome[]> {
    const at = Date.now();
    const before = messages.map((message) => this.unnoted.get(nameOf(message)));
    const kept = before.map((one) => (one && at - one.at < KEPT_MS ? one : undefined));
    const rest = (await this.storeNew(messages.filter((_, index) => !kept[index]))).values();
    const all = kept.map((one) => one ?? { at, outcome: rest.next().value as Outcome });
    const named = messages.map((message, index) => [nameOf(message), all[index] as Unnoted] as const);
    this.unnoted = new Map(named.filter(([, { outcome }]) => outcome.status === "fulfilled"));
    return all.map(({ outcome }) => outcome);
  }

  private async storeNew(messages: readonly MessageRow[]): Promise<Outcome[]> {
    const keys = new KeysOnce(this.parts.keys);
    const parts = await partsOfSmall(this.parts.database, messages);
    const taken = await settled(messages, KEYS, (message) =>
      this.smallOf(message, parts.get(nameOf(message)), keys),
    );
    const small = taken.flatMap((one) => (one.status === "fulfilled" ? (one.value ?? []) : []));
    const packed = await this.storePacks(small.filter((one) => one !== "large"));
    return settled(messages.entries(), LARGE, async ([index, message]) => {
      const one = resultOf(taken[index] as (typeof taken)[number]);
      if (one === undefined) return undefined;
      if (one === "large") return this.storeLarge(message, keys);
      return resultOf(packed.get(one) as Outcome);
    });
  }

  /** That they are stored, and their parts are not needed any more. */
  async note(messages: readonly MessageRow[], stored: readonly (Stored | undefined)[]): Promise<void> {
    if (messages.length === 0) return;
    const which = sql`
      ${messages.map(({ namespace }) => namespace)}::text[], ${messages.map(({ position }) => position)}::bigint[]`;
    await sql`
      UPDATE ${tableIn(this.parts.database, "stream_messages")} m SET object = k.object, bytes = k.bytes, sha256 = k.sha256
      FROM unnest(${which}, ${stored.map((one) => one?.object ?? "")}::text[],
        ${stored.map((one) => one?.bytes ?? 0)}::bigint[], ${stored.map((one) => asBuffer(one?.sha256))}::bytea[])
        AS k(namespace, position, object, bytes, sha256)
      WHERE m.namespace = k.namespace AND m.position = k.position`.execute(this.db);
    await sql`
      UPDATE ${tableIn(this.parts.database, "stream_parts")} p SET payload = NULL
      FROM unnest(${which}) AS k(namespace, position)
      WHERE p.namespace = k.namespace AND p.message = k.position`.execute(this.db);
    for (const message of messages) this.unnoted.delete(nameOf(message));
  }

  /** @param parts undefined: it is large as it came */
  private async smallOf(
    message: MessageRow,
    parts: readonly PartRow[] | undefined,
    keys: KeysOnce,
  ): Promise<Small | "large" | undefined> {
    if (parts === undefined) return "large";
    const { namespace, device, position } = message;
    return this.unlessGone(message, async () => {
      const key = await keys.get(namespace, device);
      const content = await wholeIfSmall(unpacked(parts, this.parts.objects));
      return content ? { namespace, position: Number(position), content, key } : "large";
    });
  }

  private async storePacks(messages: readonly Small[]): Promise<Map<Small, Outcome>> {
    const outcomes = new Map<Small, Outcome>();
    await settled(inPacks(messages), PACKS, async (pack) => {
      const [put] = await Promise.allSettled([this.parts.objects.put(pack.object, once(pack.content))]);
      for (const { message, name } of pack.messages) {
        outcomes.set(
          message,
          put.status === "rejected" ? put : { status: "fulfilled", value: storedAs(message, name) },
        );
      }
    });
    return outcomes;
  }

  private storeLarge(message: MessageRow, keys: KeysOnce): Promise<Stored | undefined> {
    const { namespace, device, position } = message;
    const object = objectOf(namespace, device, Number(position));
    const sha256 = createHash("sha256");
    return this.unlessGone(message, async () => {
      const store = encrypted(this.parts.objects, await keys.get(namespace, device));
      const content = unpacked(partsOf(this.db, message), store);
      const { bytes } = await store.put(object, hashed(content, sha256));
      return { object, bytes, sha256: sha256.digest() };
    });
  }

  /** Undefined: there is nothing to be stored of it. */
  private async unlessGone<T>(
    { namespace, position }: MessageRow,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DeviceErased) return undefined;
      if (!(error instanceof Unreadable)) throw error;
      // Nothing will ever make it readable: others are not to wait for it.
      const reason = error.message;
      this.parts.logger.warn({ namespace, position, reason }, "a message cannot be unpacked");
      return undefined;
    }
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

function storedAs({ content }: Small, object: string): Stored {
  return { object, bytes: content.length, sha256: hash("sha256", content, "buffer") };
}

/** Undefined: it is more than lies in a pack. */
async function wholeIfSmall(content: AsyncIterable<Uint8Array>): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > SMALL_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** As a list of them is sent. */
function asBuffer(bytes: Uint8Array | undefined): Buffer | null {
  return bytes ? Buffer.from(bytes) : null;
}

export async function* hashed(
  content: AsyncIterable<Uint8Array>,
  digest: Hash,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of content) {
    digest.update(chunk);
    yield chunk;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
