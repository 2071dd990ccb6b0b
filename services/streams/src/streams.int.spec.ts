import { brotliCompressSync } from "node:zlib";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { registry, SIGNALS, STREAM_KEYS, signals, streams } from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { encrypted, openObjects } from "@fieldlog/objects";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { createRuntime, hostModule, readSettings } from "@fieldlog/runtime";
import { SealingKey } from "@fieldlog/sealing";
import { freePort } from "@fieldlog/servers";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { assert, asyncProperty } from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyTables, said } from "./sorting/pulls.fixture.js";
import { StreamsModule } from "./streams.module.js";

const TOKEN = "an-internal-token-of-enough-length";
const INSTALLATION_KEY = Buffer.alloc(32, 7).toString("base64");
const NS = "n1";
let servers: TestServers;
let log: EventLog;
let client: RpcClient<typeof streams.StreamsService>;
let close: () => Promise<void>;

beforeAll(async () => {
  servers = await startServers();
  const streamsGrpc = `127.0.0.1:${await freePort()}`;
  const own = { natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("streams") };
  const secrets = { internalToken: TOKEN, installationKey: INSTALLATION_KEY };
  const runtime = createRuntime(
    "streams",
    readSettings({}, { ...own, ...secrets, streamsGrpc, logLevel: "silent" }),
  );
  const hosted = await hostModule(runtime, StreamsModule.with(runtime));
  client = rpcClient(streams.StreamsService, { address: streamsGrpc, token: TOKEN });
  log = await connectLog({ url: servers.nats.url, name: "test" });
  close = async () => {
    client.close();
    await log.close();
    await hosted.close();
  };
  await until("ready", async () => (await runtime.health.report()).ready);
});
afterAll(async () => {
  await close?.();
  await servers?.stop();
});

type Message = MessageInitShape<typeof signals.StreamMessageSchema>;

/** What a device says, as a door writes it. Returns its position. */
async function say(message: Message, { device = "d1", identity = "", payload = "" } = {}): Promise<number> {
  const signal = create(signals.SignalSchema, {
    ...{ device, identity, receivedAt: BigInt(Date.now()), occurredAt: BigInt(Date.now()) },
    body: { case: "streamMessage", value: { payload: Buffer.from(payload), ...message } },
  });
  return log.signals.append(NS, toBinary(signals.SignalSchema, signal));
}

const sequence = () => log.lastSequence(SIGNALS);

async function messages(which: { group?: string; stream?: string; batch?: string; device?: string }) {
  const asked = { namespace: NS, limit: 1_000, atLeast: BigInt(await sequence()), ...which };
  return (await client.listMessages(asked)).messages;
}

async function batches(stream: string) {
  const asked = { namespace: NS, limit: 1_000, stream, atLeast: BigInt(await sequence()) };
  return (await client.listBatches(asked)).batches.toReversed();
}

/** What was stored of a message, once it is. */
async function stored(position: bigint): Promise<string> {
  const found = await until("it is stored", () =>
    client.getMessage({ namespace: NS, position }).catch((error: { code?: string }) => {
      if (error.code !== "failed_precondition") throw error;
      return undefined;
    }),
  );
  const settings = readSettings({}, {});
  const objects = openObjects(log.connection, settings);
  const key = found.object?.key ?? new Uint8Array();
  const chunks: Uint8Array[] = [];
  for await (const chunk of encrypted(objects, key).get(found.object?.objects[0] ?? "")) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** All events of that name that were told, by what they are about. */
async function told(name: string): Promise<{ device: string; data: Record<string, unknown> }[]> {
  const found: { device: string; data: Record<string, unknown> }[] = [];
  const last = await sequence();
  for await (const commits of log.read(SIGNALS, { after: 0 })) {
    for (const { device, body } of commits.flatMap(({ data }) => decodeBatch(data))) {
      if (body.case !== "event" || body.value.name !== name) continue;
      found.push({ device, data: JSON.parse(Buffer.from(body.value.data).toString()) });
    }
    if ((commits.at(-1)?.sequence ?? 0) >= last) break;
  }
  return found;
}

const by = { decidedBy: "key:1" };
const setStream = (stream: string, set: object = {}, more: object = {}) =>
  client.setStream({ namespace: NS, group: "plant", stream, set, ...by, ...more });

describe("streams", () => {
  it("are made with their group, listed, changed and removed", async () => {
    await setStream("first", { concatenation: "lines" }, { isDefault: true });
    await setStream("second", { batchPattern: "{dateTime:yyyy}", messagePattern: "{sequenceId}" });
    const { groups } = await client.listGroups({ namespace: NS });
    expect(groups).toMatchObject([
      {
        ...{ name: "plant", set: { defaultStream: "first", defaultGroup: false } },
        streams: [
          { name: "first", isDefault: true, set: { concatenation: "lines" } },
          {
            name: "second",
            isDefault: false,
            set: { concatenation: "none", messagePattern: "{sequenceId}" },
          },
        ],
      },
    ]);
    await client.removeStream({ namespace: NS, group: "plant", stream: "second", ...by });
    expect((await client.listGroups({ namespace: NS })).groups[0]?.streams).toHaveLength(1);
    const again = client.removeStream({ namespace: NS, group: "plant", stream: "third", ...by });
    await expect(again).rejects.toMatchObject({ code: "not_found" });
  });

  it.each([
    ["group", { group: "a/b" }],
    ["stream", { stream: "" }],
    ["set.concatenation", { set: { concatenation: "sometimes" } }],
    ["set.batch_pattern", { set: { batchPattern: "{year}" } }],
  ])("with a bad %s are refused", async (field, asked) => {
    const refused = client.setStream({ namespace: NS, group: "g", stream: "s", ...by, ...asked });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { field } });
  });
});

describe("what devices send", () => {
  it("is sorted into batches, unpacked, stored, told of, and counted once", async () => {
    const at = { group: "plant", stream: "first" };
    const packed = brotliCompressSync("hello ".repeat(100));
    const first = await say({ ...at, batch: "b1", message: "m1", payload: packed, contentEncoding: "br" });
    await say({ ...at, batch: "b1", message: "m2", slice: "left" }, { payload: "two", identity: "i2" });
    await say({ ...at, batch: "b1", message: "m2", slice: "left" }, { payload: "two", identity: "i2" });
    await say({ ...at, batch: "b1", message: "m1" }, { payload: "another of the same name" });
    await say({ stream: "", batch: "b2", message: "m1" }, { payload: "by default" });
    const found = await messages({ stream: "first" });
    expect(found.map(({ path, slice }) => [path, slice])).toEqual([
      ["messages/plant/first/d1/b1/m1", ""],
      ["messages/plant/first/d1/b1/m2", "left"],
      ["messages/plant/first/d1/b2/m1", ""],
    ]);
    expect(await stored(BigInt(first))).toBe("hello ".repeat(100));
    const [one, two] = await until("it is told", async () => {
      const all = await batches("first");
      return all[0]?.bytes === 603n && all;
    });
    expect(one).toMatchObject({ id: "b1", complete: true, messages: 2n, slices: ["left"] });
    expect(two).toMatchObject({ id: "b2", complete: false, messages: 1n });
    const events = await until("both are told", async () => {
      const all = [...(await told("StreamMessageCompleted")), ...(await told("StreamBatchCompleted"))];
      return all.length === 4 && all;
    });
    expect(events[0]).toMatchObject({
      device: "d1",
      data: { message: first, path: "messages/plant/first/d1/b1/m1", bytes: 600 },
    });
    expect(events[3]?.data).toMatchObject({
      id: "b1",
      messages: 2,
      bytes: 603,
      path: "batches/plant/first/d1/b1",
    });
    const batch = await client.getBatch({ namespace: NS, number: one?.number ?? 0n, slice: "left" });
    expect(batch).toMatchObject({ concatenation: "lines", messages: [{ id: "m2" }] });
    const open = client.getBatch({ namespace: NS, number: two?.number ?? 0n });
    await expect(open).rejects.toMatchObject({ code: "failed_precondition" });
  });

  it("in chunks is one message, complete when the device says so or its batch is", async () => {
    await setStream("chunked");
    const at = { group: "plant", stream: "chunked", batch: "b", message: "m" };
    const first = await say({ ...at, chunk: "0" }, { payload: "a" });
    await say({ ...at, chunk: "1" }, { payload: "b" });
    await say({ ...at, chunk: "1" }, { payload: "b again" });
    await until("it is there", async () => (await messages({ stream: "chunked" })).length === 1);
    const waiting = client.getMessage({ namespace: NS, position: BigInt(first) });
    await expect(waiting).rejects.toMatchObject({ code: "failed_precondition" });
    await say({ ...at, completesMessage: true, noPayload: true });
    expect(await stored(BigInt(first))).toBe("ab");
    const second = await say({ ...at, message: "n", chunk: "0" }, { payload: "c" });
    await say({ ...at, message: "", completesBatch: true, noPayload: true });
    await say({ ...at, message: "", completesBatch: true, noPayload: true });
    expect(await stored(BigInt(second))).toBe("c");
    expect((await batches("chunked")).map(({ id, complete }) => [id, complete])).toEqual([["b", true]]);
  });

  it("gets its ids filled in, and what is resent none of its own", async () => {
    await setStream("filled", { batchPattern: "batch {sequenceId}", messagePattern: "{sequenceId}" });
    const at = { group: "plant", stream: "filled" };
    for (const identity of ["a", "b", "b", "c"]) await say(at, { identity, payload: identity });
    await say({ ...at, completesBatch: true, noPayload: true });
    await say(at, { identity: "d", payload: "d" });
    expect((await messages({ stream: "filled" })).map(({ path }) => path)).toEqual(
      ["batch 1/1", "batch 1/2", "batch 1/3", "batch 2/1"].map((rest) => `messages/plant/filled/d1/${rest}`),
    );
  });

  it("that belongs nowhere is a dead letter, with the reason", async () => {
    await setStream("strict");
    await say({ group: "plant", stream: "nothing" }, { device: "d9", payload: "abc" });
    await say({ group: "plant", stream: "strict", message: "m" }, { device: "d9" });
    await say({ group: "plant", stream: "strict", batch: "b" }, { device: "d9" });
    await say({ group: "plant", stream: "x".repeat(201) }, { device: "d9" });
    const dead = await until("all are there", async () => {
      const { deadLetters } = await client.listDeadLetters({ namespace: NS, limit: 100 });
      return deadLetters.length === 4 && deadLetters;
    });
    expect(dead.map(({ device, reason, bytes }) => [device, reason, bytes])).toEqual([
      ["d9", "unknown-stream", 3n],
      ["d9", "no-batch", 0n],
      ["d9", "no-message", 0n],
      ["d9", "too-long", 0n],
    ]);
  });

  it("that cannot be unpacked holds nobody up", async () => {
    const at = { group: "plant", stream: "strict", batch: "b" };
    const bad = await say({ ...at, message: "bad", contentEncoding: "br" }, { payload: "this is no brotli" });
    const good = await say({ ...at, message: "good" }, { payload: "fine" });
    expect(await stored(BigInt(good))).toBe("fine");
    const gone = client.getMessage({ namespace: NS, position: BigInt(bad) });
    await expect(gone).rejects.toMatchObject({ code: "not_found" });
  });

  it("of a device that is erased cannot be read any more", async () => {
    const at = { group: "plant", stream: "strict", batch: "b", message: "m" };
    const position = await say(at, { device: "gone", payload: "secret" });
    expect(await stored(BigInt(position))).toBe("secret");
    const erased = { events: [{ event: { case: "deviceErased" as const, value: {} } }] };
    const decision = create(registry.DecisionSchema, erased);
    await log.registry.append({ namespace: NS, kind: "device", id: "gone" }, decision, 0);
    const cleared = { body: { case: "cleared" as const, value: { device: "gone" } } };
    await log.signals.append(NS, toBinary(signals.SignalSchema, create(signals.SignalSchema, cleared)));
    await until("its rows are gone", async () => (await messages({ device: "gone" })).length === 0);
    const sealing = new SealingKey(Buffer.from(INSTALLATION_KEY, "base64"));
    const keys = await DataKeys.open(log.connection, { bucket: STREAM_KEYS, replicas: 1, sealing });
    await until("its key is gone", async () => (await keys.find(NS, "gone")) === undefined);
  });
});

describe("what was said", () => {
  it("gives the same tables however it is cut into pulls", { timeout: 120_000 }, async () => {
    const tables = await emptyTables(await servers.databaseUrl("pulls"));
    let runs = 0;
    try {
      await assert(
        asyncProperty(said, async (all) => {
          const [one, many] = [`one-${++runs}`, `many-${runs}`];
          for (const namespace of [one, many]) await tables.define(namespace);
          await tables.sort(one, all, all.length);
          await tables.sort(many, all, 1);
          expect(await tables.rows(one)).toEqual(await tables.rows(many));
        }),
        { numRuns: 40 },
      );
    } finally {
      await tables.close();
    }
  });
});
