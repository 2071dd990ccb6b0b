import { randomBytes } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { type ObjectStore, ObjectsUnavailable } from "@fieldlog/objects";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { emptyTables, type Said } from "../sorting/pulls.fixture.js";
import { SCHEMA } from "../sorting/tables.js";
import { Outbox } from "./outbox.js";

let servers: TestServers;
let tables: Awaited<ReturnType<typeof emptyTables>>;
let outbox: Outbox;
/** By name, whenever something was put. */
let put: string[];
/** What the log was told, by namespace and identity. */
let told: string[];
let refuses: (identity: string) => boolean;
let isFull: (object: string) => boolean;

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers?.stop());

beforeEach(async () => {
  [put, told, refuses, isFull] = [[], [], () => false, () => false];
  const url = await servers.databaseUrl(`outbox-${randomBytes(4).toString("hex")}`);
  tables = await emptyTables(url);
  const key = randomBytes(32);
  outbox = new Outbox({
    ...{
      database: { db: tables.db, schema: SCHEMA },
      objects: objects(),
      keys: { get: async () => key },
      url,
    },
    log: { signals: { append } as never },
    logger: { info: () => undefined, warn: () => undefined },
    tablesMade: async () => true,
  });
});
afterEach(async () => {
  await outbox?.stop();
  await tables?.close();
});

async function append(namespace: string, data: Uint8Array): Promise<number> {
  const { identity } = fromBinary(signals.SignalSchema, data);
  if (refuses(identity)) throw new LogUnavailable("it is full", 1);
  return told.push(`${namespace} ${identity}`);
}

function objects(): ObjectStore {
  const stored = new Map<string, Buffer>();
  return {
    async put(name, content) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      if (isFull(name)) throw new ObjectsUnavailable("it is full");
      put.push(name);
      stored.set(name, Buffer.concat(chunks));
      return { bytes: Buffer.concat(chunks).length, sha256: new Uint8Array(32) };
    },
    async *get(name, range) {
      yield (stored.get(name) as Buffer).subarray(range?.from, range?.to);
    },
    delete: async () => undefined,
    list: async function* () {},
    deleteAll: async () => 0,
  };
}

/** Messages of one byte, each of which completes a batch of its own. */
function inBatches(count: number): Said {
  const one = { device: "d1", stream: "filled", identity: "", minute: 0, bytes: 1 } as const;
  const ids = { batch: "", message: "", chunk: "" } as const;
  const flags = { noPayload: false, completesBatch: true, completesMessage: false };
  return Array.from({ length: count }, () => ({ ...one, ...ids, ...flags }));
}

it("what the log refuses is stored once, tried again, and holds up nobody's note", async () => {
  await tables.define("n", "plain");
  await tables.sort("n", inBatches(3), 3);
  let refused = 0;
  refuses = (identity) => identity !== "streams/message/2" && ++refused > 0;
  outbox.start();
  await until("it is tried again", () => refused >= 6);
  const waiting = tables.db.selectFrom("stream_messages").select("position").where("object", "is", null);
  await until("one is noted", async () => (await waiting.execute()).length === 2);
  refuses = (identity) => identity.startsWith("streams/batch/") && ++refused > 0;
  await until("all are", async () => (await waiting.execute()).length === 0);
  refused = 0;
  await until("batches are tried again", () => refused >= 4);
  refuses = () => false;
  await until("all is told", () => told.length === 6);
  expect(told.toSorted()).toEqual([
    ...["n streams/batch/1", "n streams/batch/2", "n streams/batch/3"],
    ...["n streams/message/1", "n streams/message/2", "n streams/message/3"],
  ]);
  expect(put.map((name) => name.replace(/-[0-9a-f]+$/, "")).toSorted()).toEqual([
    "n/~stream-packs/1-3",
    ...[1, 2, 3].map((number) => `n/~streams/d1/batches/${number}/=/0`),
  ]);
});

it.each([
  ["message", "full/~stream-packs/", 1_030],
  ["batch", "full/~streams/", 260],
])(
  "a namespace whose storage takes no %s any more holds up none of another's",
  async (kind, folder, count) => {
    for (const namespace of ["full", "fine"]) await tables.define(namespace, "plain");
    isFull = (object) => object.startsWith(folder);
    // As many as are taken at once, and more.
    await tables.sort("full", inBatches(count), count);
    await tables.sort("fine", inBatches(2), 2, 2_000);
    outbox.start();
    const toldOf = (namespace: string) =>
      told.filter((one) => one.startsWith(`${namespace} streams/${kind}/`));
    await until("it is told", () => toldOf("fine").length === 2);
    expect(toldOf("full")).toEqual([]);
    isFull = () => false;
    await until("what was full is gone on with", () => toldOf("full").length === count);
  },
);
