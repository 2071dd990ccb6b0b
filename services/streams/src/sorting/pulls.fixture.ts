import { create } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { openReadDatabase } from "@fieldlog/read-model";
import { array, boolean, constantFrom, option, record } from "fast-check";
import { type Kysely, sql } from "kysely";
import { definitions } from "../definitions/read-model.js";
import type { Arrived } from "./sort.js";
import { sortInto } from "./sorter.js";
import { createTables, SCHEMA, TABLES } from "./tables.js";

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
    noPayload: boolean(),
    completesBatch: boolean(),
    completesMessage: boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);
type Said = typeof said extends import("fast-check").Arbitrary<infer T> ? T : never;

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
    /** Defines the streams of {@link said}. */
    define: async (namespace: string) => {
      const rows = Object.entries(PATTERNS).map(([stream, [batchPattern, messagePattern]], index) => ({
        ...{ namespace, sequence: index, at: 0, grp: "g", stream },
        set: JSON.stringify({ concatenation: "none", batchPattern, messagePattern }),
      }));
      await database.db.insertInto("stream_definitions").values(rows).execute();
    },
    /** @param cut how many of them are one pull */
    sort: async (namespace: string, all: Said, cut: number) => {
      const records = all.map((one, index) => arrived(namespace, one, index + 1));
      for (let from = 0; from < records.length; from += cut) {
        await sortInto({ db }, records.slice(from, from + cut));
      }
    },
    rows: (namespace: string) => rowsOf(db, namespace),
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
  const { device, identity, minute, ...value } = said;
  const message = create(signals.StreamMessageSchema, { group: "g", ...value, payload: Buffer.from("x") });
  const receivedAt = AT + minute * MINUTE_MS;
  return {
    ...{ namespace, key: device, position, time: new Date(AT) },
    value: { device, identity, receivedAt, message },
  } as Arrived;
}
