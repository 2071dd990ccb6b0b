import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { encrypted } from "@fieldlog/objects";
import { openReadDatabase } from "@fieldlog/read-model";
import { array, boolean, constantFrom, option, record } from "fast-check";
import { type Kysely, sql } from "kysely";
import { definitions } from "../definitions/read-model.js";
import { SMALL_BYTES } from "../storage/packs.js";
import { resultOf } from "../storage/settled.js";
import { type StorageParts, StoredMessages } from "../storage/stored-messages.js";
import type { Arrived } from "./sort.js";
import { sortInto } from "./sorter.js";
import { createTables, SCHEMA, type StreamTables, TABLES } from "./tables.js";

const AT = Date.UTC(2026, 1, 3, 14, 5);
const MINUTE_MS = 60_000;

const id = constantFrom("", "1", "2", "2_2");
/** What a few devices say within some minutes: so few words that they meet each other. */
export const said = array(
  record({
    device: constantFrom("d1", "d2"),
    stream: constantFrom("named", "named", "filled", "dated", "none"),
    identity: option(constantFrom("a", "b", "c", "d"), { nil: "", freq: 3 }),
    minute: constantFrom(0, 1),
    batch: id,
    message: id,
    chunk: constantFrom("", "", "0", "1"),
    // Around what lies in a pack with others.
    bytes: constantFrom(0, 1, 7, 200, SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1),
    noPayload: boolean(),
    completesBatch: boolean(),
    completesMessage: boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);
export type Said = typeof said extends import("fast-check").Arbitrary<infer T> ? T : never;

const PATTERNS = {
  named: ["", ""],
  filled: ["{sequenceId}", "{sequenceId}"],
  dated: ["{dateTime:mm}", "{dateTime:mm}"],
};

/** Tables of an empty database, without a log. */
export async function emptyTables(url: string) {
  const named = new URL(url);
  named.searchParams.set("options", `-c search_path=${SCHEMA}`);
  const database = openReadDatabase<Record<string, Record<string, unknown>>>({
    ...{ url: named.href, schema: SCHEMA },
  });
  const db = database.db as never;
  await sql`CREATE SCHEMA ${sql.ref(SCHEMA)}`.execute(db);
  await definitions.create(db);
  await createTables(db);
  return {
    db: database.db as unknown as Kysely<StreamTables>,
    /** Defines the streams of {@link said}. */
    define: async (namespace: string, concatenation = "none") => {
      const rows = Object.entries(PATTERNS).map(([stream, [batchPattern, messagePattern]], index) => ({
        ...{ namespace, sequence: index, at: 0, grp: "g", stream },
        set: JSON.stringify({ concatenation, batchPattern, messagePattern }),
      }));
      await database.db.insertInto("stream_definitions").values(rows).execute();
    },
    /** @param cut how many of them are one pull @param first position */
    sort: async (namespace: string, all: Said, cut: number, first = 1) => {
      const records = all.map((one, index) => arrived(namespace, one, index + first));
      for (let from = 0; from < records.length; from += cut) {
        await sortInto({ db }, records.slice(from, from + cut), SCHEMA);
      }
    },
    rows: (namespace: string) => rowsOf(db, namespace),
    /** What is to be stored of complete messages, by their positions, as long as none is. */
    sent: async (namespace: string) => {
      const { rows } = await sql<{ position: number; sha256: string }>`
        SELECT m.position, encode(sha256(coalesce(string_agg(p.payload, ''::bytea ORDER BY p.position), '')), 'hex') AS sha256
        FROM ${sql.table(`${SCHEMA}.stream_messages`)} m
        LEFT JOIN ${sql.table(`${SCHEMA}.stream_parts`)} p ON p.namespace = m.namespace AND p.message = m.position
        WHERE m.namespace = ${namespace} AND m.complete GROUP BY m.position ORDER BY m.position`.execute(db);
      return rows.map(({ position, sha256 }) => [Number(position), sha256]);
    },
    /** Stores what is complete. @param atOnce messages of a round */
    store: async (parts: Pick<StorageParts, "objects" | "keys">, atOnce: number) => {
      const opened = () =>
        new StoredMessages({ ...parts, database: { db, schema: SCHEMA }, logger: { warn: () => undefined } });
      const messages = opened();
      // As if the process had been killed before it noted what it stored.
      await opened().store(await messages.waiting(2));
      for (;;) {
        const waiting = await messages.waiting(atOnce);
        if (waiting.length === 0) return;
        await messages.note(waiting, (await messages.store(waiting)).map(resultOf));
      }
    },
    /** What is read of the stored ones, by their positions. */
    stored: async (namespace: string, { objects, keys }: Pick<StorageParts, "objects" | "keys">) => {
      const rows = await database.db
        .selectFrom("stream_messages")
        .select(["position", "device", "object"])
        .where("namespace", "=", namespace)
        .where("object", "<>", "")
        .orderBy("position")
        .execute();
      const read = rows.map(async ({ position, device, object }) => {
        const store = encrypted(objects, await keys.get(namespace, String(device)));
        const digest = createHash("sha256");
        for await (const chunk of store.get(String(object))) digest.update(chunk);
        return [Number(position), digest.digest("hex")];
      });
      return Promise.all(read);
    },
    close: () => database.close(),
  };
}

/** Every row of a namespace, without its name. */
export async function rowsOf(db: Kysely<never>, namespace: string) {
  const found: Record<string, unknown[]> = {};
  for (const table of TABLES) {
    const { rows } = await sql<{ row: object }>`
      SELECT to_jsonb(t) - 'namespace' AS row FROM ${sql.table(`${SCHEMA}.${table}`)} t
      WHERE namespace = ${namespace} ORDER BY to_jsonb(t)`.execute(db);
    found[table] = rows.map(({ row }) => row);
  }
  return found;
}

function arrived(namespace: string, said: Said[number], position: number): Arrived {
  const { device, identity, minute, bytes, ...value } = said;
  const payload = Buffer.alloc(bytes, `${position} `);
  const message = create(signals.StreamMessageSchema, { group: "g", ...value, payload });
  const receivedAt = AT + minute * MINUTE_MS;
  return {
    ...{ namespace, key: device, position, time: new Date(AT) },
    value: { device, identity, receivedAt, message },
  } as Arrived;
}
