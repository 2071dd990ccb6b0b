import { randomUUID } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { type registry, SAMPLE_KEYS, SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { DataKeys, OF_NAMESPACE } from "@fieldlog/data-keys";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { NatsObjects } from "@fieldlog/objects";
import { RemoteHost } from "@fieldlog/remote";
import { type About, SampleStore, type StoreOptions } from "@fieldlog/samples";
import { SealingKey } from "@fieldlog/sealing";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { INSTALLATION_KEY, type Replica, startDevices, startReplica } from "../replica.fixture.js";

let servers: TestServers;
let log: EventLog;
let others: Awaited<ReturnType<typeof startDevices>>;
let replicas: Replica[];
let objects: NatsObjects;
const storedBytesOf = new Map<string, bigint>();

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  objects = new NatsObjects(log.connection, { replicas: 1, maxBytes: -1 });
  others = await startDevices(new Map([["board", []]]), storedBytesOf);
  const database = await servers.databaseUrl("samples");
  const start = () => startReplica(servers.nats.url, database, others.address);
  replicas = [await start(), await start()];
  for (const { client } of replicas) {
    await until("its tables are made", () => client.listSamples({ namespace: "default", limit: 1 }));
  }
});
afterAll(async () => {
  for (const replica of replicas ?? []) await replica.close();
  await others?.stop();
  await log?.close();
  await servers?.stop();
});

let namespace: string;
beforeEach(() => {
  namespace = randomUUID();
});

const one = () => (replicas[0] as Replica).client;
const other = () => (replicas[1] as Replica).client;
const storeOf = (sampling = one(), partBytes = 1024) => new SampleStore({ sampling, objects, partBytes });

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(text);
}

const defaults: StoreOptions = { mediaType: "application/json", decidedBy: "key:1" };

async function put(text: string, about: About = {}, more: Partial<StoreOptions> = {}, sampling = one()) {
  const upload = await storeOf(sampling).begin(namespace, about.device ?? "");
  await upload.put(bytesOf(text));
  const { sample } = await upload.storeSample({ category: "training", ...about }, { ...defaults, ...more });
  if (sample?.stored === undefined) throw new Error("stored, and not told what");
  return { ...sample, stored: sample.stored };
}

async function read(number: bigint): Promise<string> {
  const { sample, key } = await other().getSample({ namespace, number });
  return await text(sample?.stored?.stored as registry.UploadStored, key);
}

async function text(stored: registry.UploadStored, key: Uint8Array): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of storeOf().content(stored, key)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const name of objects.list(`${namespace}/`)) found.push(name);
  return found;
}

/** What is told of samples in the log. */
async function told() {
  const events: { identity: string; device: string; data: Record<string, unknown> }[] = [];
  const last = await log.lastSequence(SIGNALS);
  if (last === 0) return events;
  const subject = signalsSubject(namespace);
  for await (const commits of log.read(SIGNALS, { after: 0, until: last, subject })) {
    for (const { data } of commits) {
      for (const { identity, device, body } of fromBinary(signals.SignalBatchSchema, data).signals) {
        if (body.case !== "event" || body.value.name !== "SampleStored") continue;
        events.push({ identity, device, data: JSON.parse(Buffer.from(body.value.data).toString()) });
      }
    }
  }
  return events;
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a sample", () => {
  it("is found by every replica at once, read as it was put, and told of once", async () => {
    const upload = await storeOf().begin(namespace, "d1");
    await upload.put(bytesOf("x".repeat(2_500)));
    await upload.put(bytesOf("behind it"));
    const about = {
      ...{ category: "testing", label: "wave", device: "d1", sensor: "Accelerometer", fileName: "a.json" },
      ...{ signature: "valid", intervalMs: 10, lengthMs: 500, metadata: { site: "cellar" } },
      axes: [{ name: "accX", units: "m/s2" }],
    };
    const { sample } = await upload.storeSample(about, defaults);
    const number = sample?.number ?? 0n;
    expect(await read(number)).toBe(`${"x".repeat(2_500)}behind it`);
    expect(sample?.stored).toMatchObject({ ...about, key: "d1", enabled: true });
    const stored = await names();
    expect(stored).toHaveLength(4);
    for (const name of stored) {
      expect(name).toMatch(`${namespace}/~samples/${upload.id}/`);
      for await (const chunk of objects.get(name)) expect(Buffer.from(chunk).toString()).not.toContain("xxx");
    }
    await until("it is told", async () => (await told()).length > 0);
    expect(await told()).toMatchObject([
      { device: "d1", data: { sample: Number(number), label: "wave", category: "testing", bytes: 2_509 } },
    ]);
  });

  it("of no device is told of the key that stored it", async () => {
    await put("a");
    await until("it is told", async () => (await told()).length > 0);
    expect(await told()).toMatchObject([{ device: "key:1" }]);
  });

  it("is found by everything that is known of it, in order of number, page by page", async () => {
    const metadata = { site: "cellar", floor: "1" };
    const a = await put("a", { label: "wave", fileName: "wave.1_x.json", metadata, sensor: "Mic" });
    const b = await put("b", { label: "idle", category: "testing", device: "d2", signature: "invalid" });
    const c = await put("c", { metadata: { site: "roof" } });
    const found = async (filter: object) => {
      const { samples } = await one().listSamples({ namespace, filter, limit: 100 });
      return samples.map(({ number }) => number);
    };
    expect(await found({})).toEqual([a.number, b.number, c.number]);
    expect(await found({ category: "training" })).toEqual([a.number, c.number]);
    expect(await found({ label: "wave" })).toEqual([a.number]);
    expect(await found({ label: "" })).toEqual([c.number]);
    expect(await found({ device: "d2" })).toEqual([b.number]);
    expect(await found({ sensor: "Mic" })).toEqual([a.number]);
    expect(await found({ signature: "invalid" })).toEqual([b.number]);
    expect(await found({ metadata: { site: "cellar" } })).toEqual([a.number]);
    expect(await found({ metadata: { site: "cellar", floor: "2" } })).toEqual([]);
    expect(await found({ fileName: "wave.*" })).toEqual([a.number]);
    expect(await found({ fileName: "wave.1%" })).toEqual([]);
    expect(await found({ sha256: b.stored.stored?.sha256 })).toEqual([b.number]);
    expect(await found({ from: b.storedAt, to: b.storedAt + 1n })).toContain(b.number);
    const first = await other().listSamples({ namespace, limit: 2 });
    expect(first.next).toBe(b.number);
    const rest = await other().listSamples({ namespace, limit: 2, after: first.next ?? 0n });
    expect(rest.samples.map(({ number }) => number)).toEqual([c.number]);
    expect(rest.next).toBeUndefined();
    const { counts } = await one().countSamples({ namespace });
    expect(counts.map(({ category, label, samples }) => [category, label, samples])).toEqual([
      ["testing", "idle", 1n],
      ["training", "", 1n],
      ["training", "wave", 1n],
    ]);
  });

  it("is listed in pages that one message can hold, and refused if it is no message itself", async () => {
    const annotationsJson = JSON.stringify("x".repeat(120_000));
    for (let i = 0; i < 12; i++) await put(String(i), { annotationsJson });
    const sizes: number[] = [];
    for (let after: bigint | undefined = 0n; after !== undefined; ) {
      const page: Awaited<ReturnType<ReturnType<typeof one>["listSamples"]>> = await one().listSamples({
        ...{ namespace, limit: 1_000, after },
      });
      sizes.push(page.samples.length);
      after = page.next;
    }
    expect(sizes).toEqual([9, 3]);
    const metadata = Object.fromEntries(
      Array.from({ length: 64 }, (_, i) => [`k${i}`, "\u20ac".repeat(1_000)]),
    );
    await expect(put("a", { annotationsJson, metadata })).rejects.toEqual(code("invalid_argument"));
  });

  it("is relabelled and moved, and keeps what was not said", async () => {
    const { number } = await put("a", { label: "wave", metadata: { a: "1", b: "2" } });
    const change = { label: "idle", category: "testing", metadata: { c: "3" }, unsetMetadata: ["a"] };
    const { sample } = await one().changeSample({ namespace, number, change });
    const now = { label: "idle", category: "testing", metadata: { b: "2", c: "3" }, enabled: true };
    expect(sample?.stored).toMatchObject(now);
    const again = await other().changeSample({ namespace, number, change: { label: "idle" } });
    expect(again.sample?.changedAt).toBe(sample?.changedAt);
    const off = await other().changeSample({ namespace, number, change: { enabled: false } });
    expect(off.sample?.stored).toMatchObject({ ...now, enabled: false });
    for (const wrong of [{ category: "split" }, { label: "\u0000" }, { metadata: { "": "x" } }]) {
      await expect(one().changeSample({ namespace, number, change: wrong })).rejects.toEqual(
        code("invalid_argument"),
      );
    }
    const metadata = Object.fromEntries(Array.from({ length: 63 }, (_, i) => [`k${i}`, ""]));
    await expect(one().changeSample({ namespace, number, change: { metadata } })).rejects.toEqual(
      code("invalid_argument"),
    );
    await expect(one().changeSample({ namespace, number: 1n, change: {} })).rejects.toEqual(
      code("not_found"),
    );
    await expect(one().changeSample({ namespace: "x", number, change: {} })).rejects.toEqual(
      code("not_found"),
    );
  });

  it("that is to be split goes to the same side whenever the same content comes", async () => {
    const sides = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const first = await put(`content ${i}`, { category: "split" });
      const again = await put(`content ${i}`, { category: "split" });
      expect(first.stored.category).toBe(again.stored.category);
      sides.add(first.stored.category);
    }
    expect([...sides].sort()).toEqual(["testing", "training"]);
  });

  it("that is removed goes with its bytes, and its content may be stored again", async () => {
    const unique = { unique: true };
    const { number } = await put("once", {}, unique);
    await expect(put("once", {}, unique, other())).rejects.toEqual(code("already_exists"));
    await one().removeSample({ namespace, number });
    await other().removeSample({ namespace, number });
    await expect(one().getSample({ namespace, number })).rejects.toEqual(code("not_found"));
    await until("its bytes are gone", async () => (await names()).length === 0);
    expect((await put("once", {}, unique)).number).toBeGreaterThan(number);
  });

  it("of which there may be no other is stored once, whoever stores it at the same time", async () => {
    const results = await Promise.allSettled(
      [one(), other(), one(), other()].map((client) => put("same", {}, { unique: true }, client)),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toEqual(code("already_exists"));
    }
    expect((await one().listSamples({ namespace, limit: 10 })).samples).toHaveLength(1);
    expect(await names()).toHaveLength(1);
    await put("freely");
    await expect(put("freely", {}, { unique: true })).rejects.toEqual(code("already_exists"));
  });

  it("is refused with what is wrong of it, and nothing of it is left", async () => {
    for (const wrong of [
      { category: "elsewhere" },
      { label: "x".repeat(2_000) },
      { fileName: "\u0000" },
      { signature: "perhaps" },
      { annotationsJson: "\u0000" },
      { intervalMs: Number.NaN },
      { axes: Array.from({ length: 300 }, () => ({ name: "a" })) },
      { attachments: [{ name: "a", bytes: 1_000n }] },
    ]) {
      await expect(put("a", wrong)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    expect(await names()).toEqual([]);
    storedBytesOf.set(namespace, 10n);
    await put("123456");
    await expect(put("12345")).rejects.toEqual(code("resource_exhausted"));
  });

  it("is stored once, however often its edge tells of it", async () => {
    const upload = await storeOf().begin(namespace, "");
    await upload.put(bytesOf("a"));
    const first = await upload.storeSample({ category: "training" }, { ...defaults, unique: true });
    const again = await upload.storeSample({ category: "training" }, { ...defaults, unique: true });
    expect(again.sample?.number).toBe(first.sample?.number);
    expect((await one().listSamples({ namespace, limit: 10 })).samples).toHaveLength(1);
  });

  it("is not refused for its own room when its edge tells of it again", async () => {
    storedBytesOf.set(namespace, 10n);
    const upload = await storeOf().begin(namespace, "");
    await upload.put(bytesOf("123456"));
    const first = await upload.storeSample({ category: "training" }, defaults);
    const again = await upload.storeSample({ category: "training" }, defaults);
    expect(again.sample?.number).toBe(first.sample?.number);
    expect(await read(first.sample?.number ?? 0n)).toBe("123456");
  });
});

describe("a sample that was asked for", () => {
  async function asked(): Promise<string> {
    const connection = randomUUID();
    const held = { namespace, device: "board", connection, connectedAt: Date.now() };
    const release = new RemoteHost(log.connection).hold(held, () => ({ status: { connection } }));
    await log.connection.flush();
    const what = { label: "wave", lengthMs: 100, intervalMs: 10, category: "training", sensor: "Mic" };
    const { sampling } = await one().requestSampling({ namespace, device: "board", asked: what });
    release();
    return sampling?.id ?? "";
  }
  const ofSampling = async (id: string) => {
    const { sampling } = await other().getSampling({ namespace, device: "board", sampling: id });
    return sampling;
  };

  it("is found by its device's id, and is what its sampling ends with; a second one is not", async () => {
    const id = await asked();
    expect((await put("a", { label: "other" }, { documentDevice: "else" })).stored.sampling).toBe("");
    expect((await put("b", { category: "testing" }, { documentDevice: "board" })).stored.sampling).toBe("");
    const found = await put("c", {}, { documentDevice: "board" }, other());
    expect(found.stored).toMatchObject({ sampling: id, device: "board", sensor: "Mic" });
    expect((await put("d", {}, { documentDevice: "board" })).stored.sampling).toBe("");
    await until("it has arrived", async () => (await ofSampling(id))?.state === "arrived");
    expect((await ofSampling(id))?.sampleNumber).toBe(found.number);
    const { samples } = await one().listSamples({ namespace, filter: { sampling: id }, limit: 9 });
    expect(samples.map(({ number }) => number)).toEqual([found.number]);
  });

  it("is found by its device's name", async () => {
    const id = await asked();
    const named = await put("a", { label: "x" }, { documentDevice: "the board" });
    expect(named.stored).toMatchObject({ sampling: id, device: "board" });
  });

  it("is found by its label where no device is named", async () => {
    const id = await asked();
    expect((await put("b", { label: "idle" })).stored.sampling).toBe("");
    expect((await put("c", { label: "wave" })).stored).toMatchObject({ sampling: id, device: "board" });
  });
});

describe("what is to go", () => {
  it("goes with its device, which gets no key again", async () => {
    const { number } = await put("private", { device: "d9" });
    const stays = await put("others", { device: "d8" });
    const id = { namespace, kind: "device", id: "d9" } as const;
    const events = [{ event: { case: "deviceErased", value: {} } as const }];
    await log.registry.append(id, { events, decidedAt: 1n, decidedBy: "test" }, 0);
    await until("it is gone", async () => {
      await expect(one().getSample({ namespace, number })).rejects.toEqual(code("not_found"));
      expect(await names()).toHaveLength(1);
      return true;
    });
    await expect(put("more", { device: "d9" })).rejects.toEqual(code("failed_precondition"));
    expect(await read(stays.number)).toBe("others");
  });

  it("goes with its namespace, but not what was stored since", async () => {
    await put("before", { device: "d1" });
    const model = await storeOf().beginModel(namespace);
    await model.put(bytesOf("weights"));
    await model.storeModel("m", defaults);
    const late = await storeOf().begin(namespace, "d7");
    await late.put(bytesOf("on its way"));
    const sequence = await log.clearings.record({ namespace }, "test");
    for (const kind of ["sample", "model", "sample-content"]) {
      await log.clearings.purge("REGISTRY", `registry.${namespace}.${kind}.*`, sequence);
    }
    await until("everything is gone", async () => {
      expect((await one().listSamples({ namespace, limit: 1 })).samples).toEqual([]);
      expect(await names()).toEqual([]);
      return true;
    });
    await expect(late.storeSample({ category: "training" }, defaults)).rejects.toEqual(
      code("failed_precondition"),
    );
    const since = await put("since", { device: "d1" });
    expect(await read(since.number)).toBe("since");
  });

  it("keeps the namespace's key apart from any device's", async () => {
    const sealing = new SealingKey(Buffer.from(INSTALLATION_KEY, "base64"));
    const keys = await DataKeys.open(log.connection, { bucket: SAMPLE_KEYS, replicas: 1, sealing });
    const own = Buffer.from(await keys.get(namespace, OF_NAMESPACE));
    const { key } = await one().getSampleKey({ namespace, device: "" });
    expect(own.equals(Buffer.from(key))).toBe(true);
    expect(own.equals(await keys.get(namespace, "="))).toBe(false);
    const devices = (await keys.ofNamespace(namespace)).map(({ device }) => device);
    expect(devices.sort()).toEqual(["", "="]);
  });
});

describe("a model", () => {
  async function storeModel(content: string, client = one()) {
    const upload = await storeOf(client).beginModel(namespace);
    await upload.put(bytesOf(content));
    return await upload.storeModel("a model", { mediaType: "application/octet-stream", decidedBy: "key:1" });
  }

  it("gets versions that count up and are never used twice", async () => {
    const both = await Promise.all([storeModel("1", one()), storeModel("2", other())]);
    expect(both.map(({ version }) => version).sort()).toEqual([1, 2]);
    expect((await storeModel("3")).version).toBe(3);
    await one().removeModel({ namespace, version: 3 });
    await other().removeModel({ namespace, version: 3 });
    await expect(one().getModel({ namespace, version: 3 })).rejects.toEqual(code("not_found"));
    expect((await storeModel("4")).version).toBe(4);
    const { models } = await one().listModels({ namespace });
    expect(models.map(({ stored }) => stored?.version)).toEqual([4, 2, 1]);
    await until("its bytes are gone", async () => (await names()).length === 3);
  });

  it("is read as it was stored, the newest without saying which", async () => {
    await storeModel("old");
    await storeModel("new");
    const { model, key } = await other().getModel({ namespace, version: 0 });
    expect(model?.stored).toMatchObject({ version: 2, name: "a model" });
    expect(await text(model?.stored?.stored as registry.UploadStored, key)).toBe("new");
    await expect(storeModel("")).rejects.toEqual(code("invalid_argument"));
    await expect(one().removeModel({ namespace, version: 9 })).rejects.toEqual(code("not_found"));
  });
});
