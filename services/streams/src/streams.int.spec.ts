import { brotliCompressSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { limits, registry, signals } from "@fieldlog/contracts";
import { ReadModelRunner } from "@fieldlog/read-model";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { assert, asyncProperty } from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rows } from "./rows.js";
import { emptyTables, rowsOf, said } from "./sorting/pulls.fixture.js";
import { sorting } from "./sorting/read-model.js";
import { UnusedObjects } from "./storage/unused-objects.js";
import { NS, Streams } from "./streams.fixture.js";

let servers: TestServers;
let streams: Streams;

beforeAll(async () => {
  servers = await startServers();
  streams = await Streams.start(servers);
});
afterAll(async () => {
  await streams?.close();
  await servers?.stop();
});

const by = { decidedBy: "key:1" };
describe("streams", () => {
  it("are made with their group, listed, changed and removed", async () => {
    await streams.setStream("first", { concatenation: "lines" }, { isDefault: true });
    await streams.setStream("second", { batchPattern: "{dateTime:yyyy}", messagePattern: "{sequenceId}" });
    const { groups } = await streams.client.listGroups({ namespace: NS });
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
    await streams.client.removeStream({ namespace: NS, group: "plant", stream: "second", ...by });
    expect((await streams.client.listGroups({ namespace: NS })).groups[0]?.streams).toHaveLength(1);
    const again = streams.client.removeStream({ namespace: NS, group: "plant", stream: "third", ...by });
    await expect(again).rejects.toMatchObject({ code: "not_found" });
  });

  it.each([
    ["group", { group: "a/b" }],
    ["stream", { stream: "" }],
    ["set.concatenation", { set: { concatenation: "sometimes" } }],
    ["set.batch_pattern", { set: { batchPattern: "{year}" } }],
  ])("with a bad %s are refused", async (field, asked) => {
    const refused = streams.client.setStream({ namespace: NS, group: "g", stream: "s", ...by, ...asked });
    await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { field } });
  });
});

describe("what devices send", () => {
  it("is sorted into batches, unpacked, stored, told of, and counted once", async () => {
    const at = { group: "plant", stream: "first" };
    const packed = brotliCompressSync("hello ".repeat(100));
    const first = await streams.say({
      ...at,
      batch: "b1",
      message: "m1",
      payload: packed,
      contentEncoding: "br",
    });
    await streams.say(
      { ...at, batch: "b1", message: "m2", slice: "left" },
      { payload: "two", identity: "i2" },
    );
    await streams.say(
      { ...at, batch: "b1", message: "m2", slice: "left" },
      { payload: "two", identity: "i2" },
    );
    await streams.say({ ...at, batch: "b1", message: "m1" }, { payload: "another of the same name" });
    await streams.say({ stream: "", batch: "b2", message: "m1" }, { payload: "by default" });
    const found = await streams.messages({ stream: "first" });
    expect(found.map(({ path, slice }) => [path, slice])).toEqual([
      ["messages/plant/first/d1/b1/m1", ""],
      ["messages/plant/first/d1/b1/m2", "left"],
      ["messages/plant/first/d1/b2/m1", ""],
    ]);
    expect(await streams.stored(BigInt(first))).toBe("hello ".repeat(100));
    const [one, two] = await until("it is told", async () => {
      const all = await streams.batches("first");
      return all[0]?.bytes === 603n && all;
    });
    expect(one).toMatchObject({ id: "b1", complete: true, messages: 2n, slices: ["left"] });
    expect(two).toMatchObject({ id: "b2", complete: false, messages: 1n });
    const events = await until("both are told", async () => {
      const all = [
        ...(await streams.told("StreamMessageCompleted")),
        ...(await streams.told("StreamBatchCompleted")),
      ];
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
    const batch = await streams.client.getBatch({ namespace: NS, number: one?.number ?? 0n, slice: "left" });
    expect(batch).toMatchObject({ concatenation: "lines", messages: [] });
    expect(await streams.content(batch.object)).toBe("two\n");
    expect(events[3]?.data["link"]).toBe(`/v1/namespaces/${NS}/streams/batches/${one?.number}/data`);
    const open = streams.client.getBatch({ namespace: NS, number: two?.number ?? 0n });
    await expect(open).rejects.toMatchObject({ code: "failed_precondition" });
  });

  it("in chunks is one message, complete when the device says so or its batch is", async () => {
    await streams.setStream("chunked");
    const at = { group: "plant", stream: "chunked", batch: "b", message: "m" };
    const first = await streams.say({ ...at, chunk: "0" }, { payload: "a" });
    await streams.say({ ...at, chunk: "1" }, { payload: "b" });
    await streams.say({ ...at, chunk: "1" }, { payload: "b again" });
    await until("it is there", async () => (await streams.messages({ stream: "chunked" })).length === 1);
    const waiting = streams.client.getMessage({ namespace: NS, position: BigInt(first) });
    await expect(waiting).rejects.toMatchObject({ code: "failed_precondition" });
    await streams.say({ ...at, completesMessage: true, noPayload: true });
    expect(await streams.stored(BigInt(first))).toBe("ab");
    const second = await streams.say({ ...at, message: "n", chunk: "0" }, { payload: "c" });
    await streams.say({ ...at, message: "", completesBatch: true, noPayload: true });
    await streams.say({ ...at, message: "", completesBatch: true, noPayload: true });
    expect(await streams.stored(BigInt(second))).toBe("c");
    expect((await streams.batches("chunked")).map(({ id, complete }) => [id, complete])).toEqual([
      ["b", true],
    ]);
  });

  it("gets its ids filled in, and what is resent none of its own", async () => {
    await streams.setStream("filled", { batchPattern: "batch {sequenceId}", messagePattern: "{sequenceId}" });
    const at = { group: "plant", stream: "filled" };
    for (const identity of ["a", "b", "b", "c"]) await streams.say(at, { identity, payload: identity });
    await streams.say({ ...at, completesBatch: true, noPayload: true });
    await streams.say(at, { identity: "d", payload: "d" });
    expect((await streams.messages({ stream: "filled" })).map(({ path }) => path)).toEqual(
      ["batch 1/1", "batch 1/2", "batch 1/3", "batch 2/1"].map((rest) => `messages/plant/filled/d1/${rest}`),
    );
  });

  it("that belongs nowhere is a dead letter, with the reason", async () => {
    await streams.setStream("strict");
    await streams.say({ group: "plant", stream: "nothing" }, { device: "d9", payload: "abc" });
    await streams.say({ group: "plant", stream: "strict", message: "m" }, { device: "d9" });
    await streams.say({ group: "plant", stream: "strict", batch: "b" }, { device: "d9" });
    await streams.say({ group: "plant", stream: "x".repeat(201) }, { device: "d9" });
    const dead = await until("all are there", async () => {
      const { deadLetters } = await streams.client.listDeadLetters({ namespace: NS, limit: 100 });
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
    const bad = await streams.say(
      { ...at, message: "bad", contentEncoding: "br" },
      { payload: "this is no brotli" },
    );
    const good = await streams.say({ ...at, message: "good" }, { payload: "fine" });
    expect(await streams.stored(BigInt(good))).toBe("fine");
    const gone = streams.client.getMessage({ namespace: NS, position: BigInt(bad) });
    await expect(gone).rejects.toMatchObject({ code: "not_found" });
  });

  it("of a device that is erased cannot be read any more", async () => {
    const at = { group: "plant", stream: "strict", batch: "b", message: "m" };
    const [position, beside] = await Promise.all([
      streams.say(at, { device: "gone", payload: "secret" }),
      streams.say(at, { device: "stays", payload: "open" }),
    ]);
    const large = await streams.say({ ...at, message: "l" }, { device: "gone", payload: "s".repeat(40_000) });
    expect(await streams.stored(BigInt(position))).toBe("secret");
    expect(await streams.stored(BigInt(large))).toBe("s".repeat(40_000));
    expect(await streams.names("~streams/gone/")).toEqual([`${NS}/~streams/gone/messages/${large}`]);
    await streams.upload("gone", "u1", "large");
    const erased = { events: [{ event: { case: "deviceErased" as const, value: {} } }] };
    const decision = create(registry.DecisionSchema, erased);
    await streams.log.registry.append({ namespace: NS, kind: "device", id: "gone" }, decision, 0);
    const cleared = { body: { case: "cleared" as const, value: { device: "gone" } } };
    await streams.log.signals.append(
      NS,
      toBinary(signals.SignalSchema, create(signals.SignalSchema, cleared)),
    );
    await until("its rows are gone", async () => (await streams.messages({ device: "gone" })).length === 0);
    await until("its key is gone", async () => (await streams.keys.find(NS, "gone")) === undefined);
    for (const folder of ["~streams/gone/", "~stream-uploads/gone/"]) {
      await until("its objects are gone", async () => (await streams.names(folder)).length === 0);
    }
    expect(await streams.stored(BigInt(beside))).toBe("open");
  });
});

describe("a complete batch", () => {
  const at = { group: "plant", stream: "files", batch: "b/1" };

  it("is a file for each of its slices", async () => {
    await streams.setStream("files", { concatenation: "plain" });
    const large = "x".repeat(300_000);
    await streams.upload("d1", "large", large);
    await streams.say({ ...at, message: "large", external: "large" });
    await streams.say({ ...at, message: "small" }, { payload: "y" });
    await streams.say({ ...at, message: "left", slice: "a b" }, { payload: "apart" });
    await streams.say({ ...at, completesBatch: true, noPayload: true });
    const batch = await until("it is told of", async () => {
      const events = await streams.told("StreamBatchCompleted");
      return events.find(({ data }) => data["stream"] === "files")?.data;
    });
    expect(batch).toMatchObject({ messages: 3, bytes: 300_006, path: "batches/plant/files/d1/b/1" });
    const asked = { namespace: NS, number: BigInt(Number(batch["batch"])) };
    const { object } = await streams.client.getBatch(asked);
    expect(object?.objectBytes).toEqual([300_001n]);
    expect(await streams.content(object)).toBe(`${large}y`);
    const slice = await streams.client.getBatch({ ...asked, slice: "a b" });
    expect(await streams.content(slice.object)).toBe("apart");
  });

  it("is listed and read by paths, as messages and dead letters are, by who has a token", async () => {
    await streams.setStream("none");
    const first = await streams.say({ ...at, stream: "none", message: "m 1" }, { payload: "one" });
    await streams.say({ ...at, stream: "none", message: "m/2" }, { payload: "two" });
    const lost = await streams.say({ ...at, stream: "lost" }, { payload: "lost" });
    await until("it is stored", async () => (await streams.stored(BigInt(first))) === "one");
    const open = async (container: string) => {
      const durationMs = 60_000n;
      return (await streams.client.beginAccess({ namespace: NS, container, durationMs })).token;
    };
    const paths = async (token: string, prefix: string, limit = 100, after = "") => {
      const { files, next } = await streams.client.listStored({ token, prefix, limit, after });
      return [files.map(({ path }) => path), next] as const;
    };
    const read = async (token: string, path: string) => {
      const { object, content } = await streams.client.getStored({ token, path });
      return content === undefined ? streams.content(object) : Buffer.from(content).toString();
    };
    const messages = await open("messages");
    const own = ["messages/plant/none/d1/b%2F1/m%201", "messages/plant/none/d1/b%2F1/m%2F2"];
    await until("both are", async () => (await paths(messages, "messages/plant/none/"))[0].length === 2);
    expect(await paths(messages, "messages/plant/no")).toEqual([own, ""]);
    expect(await paths(messages, "messages/plant/none/d1/", 1)).toEqual([[own[0]], own[0]]);
    expect(await paths(messages, "messages/plant/none/d1/", 1, own[0])).toEqual([[own[1]], own[1]]);
    expect((await paths(messages, ""))[0]).toEqual(expect.arrayContaining(own));
    for (const none of ["batches/", "messages/plant/none/d1/b%2F1/m/x/", "messages/%zz"]) {
      expect(await paths(messages, none)).toEqual([[], ""]);
    }
    expect(await read(messages, own[1] ?? "")).toBe("two");
    const files = ["batches/plant/files/d1/b%2F1", "batches/plant/files/d1/b%2F1/a%20b"];
    const batches = await open("batches");
    expect(await paths(batches, "batches/plant/files/")).toEqual([files, ""]);
    expect(await read(batches, files[1] ?? "")).toBe("apart");
    const dead = await open("dead-letter");
    const letter = `dead-letter/${String(lost).padStart(16, "0")}`;
    expect((await paths(dead, "dead-letter/"))[0]).toContain(letter);
    expect(await read(dead, letter)).toBe("lost");
    for (const [token, path, code] of [
      [messages, files[0], "not_found"],
      [messages, "messages/plant/none", "not_found"],
      [dead, "dead-letter/x", "not_found"],
      ["AAAA", own[0], "unauthenticated"],
    ] as const) {
      const refused = streams.client.getStored({ token, path: path ?? "" });
      await expect(refused).rejects.toMatchObject({ code });
    }
    await expect(open("others")).rejects.toMatchObject({ code: "invalid_argument" });
  });
});

describe("what nobody uses", () => {
  it("is removed after a day: uploads of which no message came, packs to which no row points", async () => {
    const at = { group: "plant", stream: "none", batch: "up" };
    for (const upload of ["used", "lost", "unused"]) await streams.upload("d7", upload, "large");
    const used = await streams.say({ ...at, message: "1", external: "used" }, { device: "d7" });
    await streams.say({ ...at, stream: "nowhere", external: "lost" }, { device: "d7" });
    expect(await streams.stored(BigInt(used))).toBe("large");
    const database = streams.database();
    await until("all is stored", async () => (await streams.waiting(database)).messages === 0);
    const clock = { ms: Date.now(), upToDate: false };
    const pack = `${NS}/~stream-packs/1-${used}-0123456789ab`;
    await streams.objects.put(
      pack,
      (async function* () {
        yield Buffer.from("stored, and not noted");
      })(),
    );
    const names = async (folder: string) => new Set(await streams.names(folder));
    const before = { uploads: await names("~stream-uploads/"), packs: await names("~stream-packs/") };
    const sweep = new UnusedObjects({
      ...{ objects: streams.objects, keys: streams.keys, url: "" },
      ...{
        logger: { info: () => undefined, warn: () => undefined },
        now: () => clock.ms,
        shards: [{ rows: new Rows(database), upToDate: async () => clock.upToDate }],
      },
    });
    expect(await sweep.once()).toBe(0);
    clock.ms += limits.streamUploadUnusedMs + 60_000;
    expect(await sweep.once()).toBeGreaterThan(0);
    expect(await names("~stream-uploads/")).toEqual(before.uploads);
    expect(before.packs.has(pack)).toBe(true);
    expect(await names("~stream-packs/")).toEqual(await streams.packsInUse(database));
    clock.upToDate = true;
    expect(await sweep.once()).toBe(2);
    await database.close();
    const left = await streams.names("~stream-uploads/d7/");
    expect(new Set(left.map((name) => name.split("/")[3]))).toEqual(new Set(["used", "lost"]));
    const rest = await streams.client.getMessage({ namespace: NS, position: BigInt(used) });
    expect(await streams.content(rest.object)).toBe("large");
  });
});

describe("a rebuild", () => {
  it("gives the same rows, objects and contents, and tells of nothing new", async () => {
    const database = streams.database();
    const runner = new ReadModelRunner({
      ...{ log: streams.log, database, definition: sorting(async () => undefined) },
    });
    const done = async () => {
      const { messages, batches } = await streams.waiting(database);
      return messages + batches === 0;
    };
    const events = async () => [
      ...(await streams.told("StreamMessageCompleted")),
      ...(await streams.told("StreamBatchCompleted")),
    ];
    try {
      await until("all is stored", done);
      // In which pack a message lies is by chance; what is read of it is not.
      const rows = async () => {
        const { stream_messages: messages, ...others } = await rowsOf(database.db as never, NS);
        return { others, messages: messages?.map((row) => ({ ...(row as object), object: undefined })) };
      };
      const contents = () => streams.contents(database);
      const before = { rows: await rows(), events: await events(), contents: await contents() };
      const names = await streams.names("~streams/");
      const table = () => streams.tableOf(database);
      const old = await table();
      await runner.start();
      await runner.rebuild();
      await until("it is built", async () => (await runner.status()).state === "live");
      await until("it is another table", async () => (await table()) !== old);
      await until("all is stored again", done);
      expect(await rows()).toEqual(before.rows);
      expect(await contents()).toEqual(before.contents);
      expect(await streams.names("~streams/")).toEqual(names);
      expect(await events()).toEqual(before.events);
    } finally {
      await runner.stop();
      await database.close();
    }
  });
});

describe("a namespace that is cleared", () => {
  it("has nothing any more of what was stored, and keeps what came since, however often that is done", async () => {
    const at = { group: "plant", stream: "strict", batch: "again" };
    const large = "l".repeat(40_000);
    const come = async () => {
      await streams.upload("d1", "u", "uploaded");
      const positions = [
        await streams.say({ ...at, message: "small" }, { payload: "small" }),
        await streams.say({ ...at, message: "large" }, { payload: large }),
        await streams.say({ ...at, message: "external", external: "u" }),
      ];
      const read = () => Promise.all(positions.map((position) => streams.stored(BigInt(position))));
      await until("all of it is stored", async () => (await read()).join() === `small,${large},uploaded`);
      return read;
    };
    await come();
    const [key] = [await streams.keys.find(NS, "d1"), await streams.keys.get(NS, "silent")];
    const clearing = await streams.clear();
    await until("the keys are gone", async () => (await streams.keys.find(NS, "silent")) === undefined);
    expect(await streams.names("~stream")).toEqual([]);
    const read = await come();
    const since = await streams.keys.find(NS, "d1");
    expect(since).not.toEqual(key);
    await streams.upload("d2", "u", "no message yet");
    const uploading = await streams.keys.find(NS, "d2");
    // The same again, as after a kill before the end of it was noted.
    await streams.clearAgain(clearing);
    expect(await read()).toEqual(["small", large, "uploaded"]);
    expect(await streams.keys.find(NS, "d1")).toEqual(since);
    expect(await streams.keys.find(NS, "d2")).toEqual(uploading);
    expect(await streams.names("~stream-uploads/d2/")).toHaveLength(2);
  });
});

describe("what was said", () => {
  it("gives the same tables, and is read as it came, however it is cut", async () => {
    const tables = await emptyTables(await servers.databaseUrl("pulls"));
    const parts = { objects: streams.objects, keys: streams.keys };
    let runs = 0;
    try {
      await assert(
        asyncProperty(said, async (all) => {
          const [one, many] = [`one-${++runs}`, `many-${runs}`];
          for (const namespace of [one, many]) await tables.define(namespace);
          await tables.sort(one, all, all.length);
          await tables.sort(many, all, 1);
          expect(await tables.rows(one)).toEqual(await tables.rows(many));
          const sent = await tables.sent(one);
          await tables.store(parts, [1, 5, 1_000][runs % 3] as number);
          expect(await tables.stored(one, parts)).toEqual(sent);
          expect(await tables.stored(many, parts)).toEqual(sent);
        }),
        { numRuns: 15 },
      );
    } finally {
      await tables.close();
    }
  });
});
