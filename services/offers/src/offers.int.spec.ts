import { randomUUID } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  DEVICE_KEYS,
  objectsBucket,
  REGISTRY,
  registry,
  registryOfNamespace,
  SIGNALS,
  signals,
  signalsSubject,
} from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { NatsObjects, NoSuchObject } from "@fieldlog/objects";
import { openReadDatabase } from "@fieldlog/read-model";
import { SealingKey } from "@fieldlog/sealing";
import { startServers, type TestServers, until as untilTrue } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Consequences } from "./aftermath/consequences.js";
import { LAPSED } from "./decisions/upload.js";
import { INSTALLATION_KEY, type Replica, startReplica, startSettings } from "./replica.fixture.js";
import { Rows } from "./table/rows.js";
import { type OfferTables, SCHEMA } from "./table/tables.js";

let servers: TestServers;
let log: EventLog;
let settings: Awaited<ReturnType<typeof startSettings>>;
let replicas: Replica[];
let objects: NatsObjects;
let database = "";
const settingsOf = new Map<
  string,
  { offers?: string; limits?: { storedBytes?: bigint; uploadBytes?: number } }
>();

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  objects = new NatsObjects(log.connection, { replicas: 1, maxBytes: -1 });
  settings = await startSettings(settingsOf);
  database = await servers.databaseUrl("offers");
  const start = () => startReplica(servers.nats.url, database, settings.address);
  replicas = [await start(), await start()];
  for (const { client } of replicas) {
    await untilTrue("its tables are made", () => client.listOpenRequests({ namespace: "default" }));
  }
});
afterAll(async () => {
  for (const replica of replicas ?? []) await replica.close();
  await settings?.stop();
  await log?.close();
  await servers?.stop();
});

let namespace: string;
beforeEach(() => {
  namespace = randomUUID();
});

const one = () => (replicas[0] as Replica).client;
const other = () => (replicas[1] as Replica).client;
const HOUR = 3_600_000;
const FORMAT = "data-record";

function request(more: object = {}) {
  const now = BigInt(Date.now());
  const stretch = { start: now - 3_600_000n, end: now };
  return one()
    .createRequest({ namespace, asked: { device: "17", ...stretch, expiresAt: now + 60_000n, ...more } })
    .then(({ request }) => request as NonNullable<typeof request>);
}

function offer(requestNumber: bigint, identity: string = randomUUID(), more: object = {}) {
  const data = { sensor: "0", format: FORMAT, requestNumber, ...more };
  return one().offer({ namespace, device: "17", identity, offers: [data] });
}

/** A token of an upload that is wanted. */
async function wanted(): Promise<string> {
  const { answers } = await offer((await request()).number);
  expect(answers[0]?.token).not.toBe("");
  return answers[0]?.token ?? "";
}

const content = Buffer.from("samples");
const name = (upload: string = randomUUID()) => `${namespace}/17/${upload}/0`;

async function stored(objectName = name()) {
  const result = await objects.put(
    objectName,
    (async function* () {
      yield content;
    })(),
  );
  return create(registry.UploadStoredSchema, {
    ...{
      bytes: BigInt(result.bytes),
      sha256: result.sha256,
      mediaType: "application/octet-stream",
      store: "nats",
    },
    ...{ objects: [objectName], objectBytes: [BigInt(result.bytes)] },
  });
}

async function uploaded() {
  const token = await wanted();
  const { upload } = await one().startUpload({ token });
  const sent = await stored(name(upload?.id));
  return { token, number: (await one().finishUpload({ token, stored: sent })).number };
}

/** What is told of uploads in the log, in order. */
async function told() {
  const events: { identity: string; device: string; data: Record<string, unknown> }[] = [];
  const until = await log.lastSequence(SIGNALS);
  if (until === 0) return events;
  for await (const commits of log.read(SIGNALS, { after: 0, until, subject: signalsSubject(namespace) })) {
    for (const { data } of commits) {
      for (const { identity, device, body } of fromBinary(signals.SignalBatchSchema, data).signals) {
        if (body.case !== "event" || body.value.issuer !== "offers") continue;
        events.push({ identity, device, data: JSON.parse(Buffer.from(body.value.data).toString()) });
      }
    }
  }
  return events;
}

/** Until what is expected no longer fails. */
const holds = (what: string, expected: () => Promise<void>) =>
  untilTrue(what, () => expected().then(() => true));

it("brings the objects' limit up to date as soon as it starts", async () => {
  const small = new NatsObjects(log.connection, { replicas: 1, maxBytes: 1_000_000 });
  await small.put(name(), (async function* () {})());
  const limit = async () => {
    const stream = `OBJ_${objectsBucket(namespace)}`;
    const answer = await log.connection.request(`$JS.API.STREAM.INFO.${stream}`);
    return answer.json<{ config: { max_bytes: number } }>().config.max_bytes;
  };
  expect(await limit()).toBe(1_000_000);
  // With a database of its own nobody else has the lease.
  const own = await servers.databaseUrl("tidying");
  const replica = await startReplica(servers.nats.url, own, settings.address);
  try {
    await holds("it has none", async () => expect(await limit()).toBe(-1));
  } finally {
    await replica.close();
  }
});

describe("a data request", () => {
  it("is found by every replica at once, by number among the open ones, until it is withdrawn", async () => {
    const first = await request();
    const second = await request({ device: "", points: [{ latitude: 1, longitude: 2 }], withinM: 10 });
    expect(second.number).toBeGreaterThan(first.number);
    const open = await other().listOpenRequests({ namespace });
    expect(open.requests.map(({ number }) => number)).toEqual([first.number, second.number]);
    expect(open.requests[1]?.asked).toMatchObject({ points: [{ latitude: 1, longitude: 2 }], withinM: 10 });

    await other().withdrawRequest({ namespace, id: first.id });
    await one().withdrawRequest({ namespace, id: first.id });
    expect((await one().listOpenRequests({ namespace })).requests).toHaveLength(1);
    expect((await one().getRequest({ namespace, id: first.id })).request?.state).toBe("withdrawn");
    await expect(one().withdrawRequest({ namespace, id: randomUUID() })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(one().getRequest({ namespace: "other", id: first.id })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("is listed page by page, the newest first", async () => {
    const made = [await request(), await request({ device: "18" }), await request()];
    const page = await one().listRequests({ namespace, limit: 2 });
    expect(page.requests.map(({ id }) => id)).toEqual([made[2]?.id, made[1]?.id]);
    const rest = await one().listRequests({ namespace, limit: 2, before: page.next as bigint });
    expect(rest.requests.map(({ id }) => id)).toEqual([made[0]?.id]);
    expect(rest.next).toBeUndefined();
    expect((await one().listRequests({ namespace, limit: 9, device: "18" })).requests).toHaveLength(1);
    expect((await one().listRequests({ namespace, limit: 9, state: "withdrawn" })).requests).toEqual([]);
  });

  it("expires by itself", async () => {
    const made = await request({ expiresAt: BigInt(Date.now() + 300) });
    await holds("it has expired", async () => {
      expect((await one().getRequest({ namespace, id: made.id })).request?.state).toBe("expired");
    });
  });

  it("is refused with the field that is wrong", async () => {
    await expect(request({ device: "" })).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "points" },
    });
  });
});

describe("an offer", () => {
  it("is accepted where it answers a request, each of a message by itself and in order", async () => {
    const { number } = await request();
    const offers = [number, 0n, number + 1n, number].map((requestNumber) => ({
      sensor: "0",
      format: FORMAT,
      requestNumber,
    }));
    const { answers } = await other().offer({ namespace, device: "17", identity: "m", offers });
    expect(answers.map(({ token }) => token !== "")).toEqual([true, false, false, true]);
    expect(answers[0]?.token).not.toBe(answers[3]?.token);
    expect(Number(answers[0]?.expiresAt)).toBeGreaterThan(Date.now() + HOUR / 2);
  });

  it("gets the same answer when its message is sent again, to another replica or to both at once", async () => {
    const { number } = await request();
    const first = await offer(number, "again");
    const offers = [{ sensor: "0", format: FORMAT, requestNumber: number }];
    const again = await Promise.all(
      [one(), other(), one()].map((client) =>
        client.offer({ namespace, device: "17", identity: "again", offers }),
      ),
    );
    for (const { answers } of again) expect(answers).toEqual(first.answers);
    const both = await Promise.all(
      [one(), other()].map((client) => client.offer({ namespace, device: "17", identity: "both", offers })),
    );
    expect(both[0]?.answers).toEqual(both[1]?.answers);
    await one().withdrawRequest({
      namespace,
      id: (await one().listOpenRequests({ namespace })).requests[0]?.id ?? "",
    });
    expect((await offer(number, "again")).answers).toEqual(first.answers);
    expect((await offer(number, "new")).answers[0]?.token).toBe("");
  });

  it("of current data is accepted while somebody wants them, or where the namespace takes all", async () => {
    const current = { current: true };
    expect((await offer(0n, "a", current)).answers[0]?.token).toBe("");
    await request({ current: true, start: undefined, end: undefined });
    expect((await offer(0n, "b", current)).answers[0]?.token).not.toBe("");
    settingsOf.set("all", { offers: "all" });
    const offers = [{ sensor: "0", format: FORMAT }];
    const { answers } = await one().offer({ namespace: "all", device: "17", identity: randomUUID(), offers });
    expect(answers[0]?.token).not.toBe("");
  });

  it("is not accepted beyond the namespace's limits", async () => {
    settingsOf.set(namespace, { limits: { uploadBytes: 100, storedBytes: 250n } });
    const { number } = await request();
    const sized = (bytes: bigint) => ({ sensor: "0", format: FORMAT, requestNumber: number, bytes });
    const offers = [sized(101n), sized(100n), sized(0n), sized(60n)];
    const { answers } = await one().offer({ namespace, device: "17", identity: "m", offers });
    expect(answers.map(({ maxBytes }) => maxBytes)).toEqual([0n, 100n, 100n, 0n]);
    // What was promised before counts, until it has ended: then what is stored.
    const next = async (bytes: bigint) => offer((await request()).number, randomUUID(), { bytes });
    expect((await next(60n)).answers[0]?.token).toBe("");
    expect((await next(50n)).answers[0]?.token).not.toBe("");
    const [, first, second] = answers.map(({ token }) => token);
    await one().failUpload({ token: first ?? "", reason: "it broke off" });
    await one().startUpload({ token: second ?? "" });
    await one().finishUpload({ token: second ?? "", stored: await stored() });
    expect((await next(100n)).answers[0]?.token).not.toBe("");
    expect((await next(94n)).answers[0]?.token).toBe("");
    expect((await next(93n)).answers[0]?.token).not.toBe("");
  });

  it("that is none is refused with its field, and none of the message is taken", async () => {
    const { number } = await request();
    await expect(offer(number, "x", { format: "" })).rejects.toMatchObject({
      details: { field: "offers[0].format" },
    });
  });
});

describe("an upload", () => {
  it("begins once, however many begin it at the same moment", async () => {
    const token = await wanted();
    const begun = await Promise.allSettled(
      [one(), other(), one(), other()].map((client) => client.startUpload({ token })),
    );
    expect(begun.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of begun) {
      if (outcome.status === "rejected")
        expect(outcome.reason).toMatchObject({ details: { reason: "used" } });
    }
    const resumed = await one().startUpload({ token, resume: true });
    expect(resumed.dataKey).toHaveLength(32);
    expect((await other().openUpload({ token })).upload).toMatchObject({
      namespace,
      device: "17",
      state: "started",
    });
  });

  it("becomes a reading with the offer's number, told once as an event, and its request is fulfilled", async () => {
    const made = await request();
    const { answers } = await offer(made.number, "m");
    const { token = "", number } = answers[0] ?? {};
    await one().startUpload({ token });
    const finished = await other().finishUpload({ token, stored: await stored() });
    expect(finished.number).toBe(number);
    const { reading, dataKey } = await other().getReading({ namespace, number: finished.number });
    expect(reading).toMatchObject({
      state: "stored",
      stored: { bytes: 7n, store: "nats" },
      offered: { request: made.id },
    });
    expect(dataKey).toEqual(
      (await one().getReading({ namespace, number: finished.number, atLeast: finished.sequence })).dataKey,
    );
    await holds("it is told", async () => expect(await told()).toHaveLength(1));
    expect((await told())[0]).toMatchObject({
      ...{ device: "17", identity: `offers/uploaded/${answers[0]?.upload}` },
      data: { reading: Number(finished.number), sensor: "0", bytes: 7, request: made.id },
    });
    await holds("the request is fulfilled", async () => {
      expect((await one().getRequest({ namespace, id: made.id })).request).toMatchObject({
        state: "fulfilled",
        uploads: 1,
      });
    });
    await expect(one().startUpload({ token, resume: true })).rejects.toMatchObject({
      details: { reason: "stored" },
    });
    await one().finishUpload({ token, stored: await stored() });
  });

  it("that fails is over: its URL is used up, and if nobody said so what was stored of it goes", async () => {
    const token = await wanted();
    const { upload } = await one().startUpload({ token });
    const part = `${namespace}/17/${upload?.id}/0`;
    await stored(part);
    // As the sweep says it, an hour later.
    await one().failUpload({ token, reason: LAPSED });
    await expect(one().openUpload({ token })).rejects.toMatchObject({
      code: "failed_precondition",
      details: { reason: "used" },
    });
    await holds("its part is gone", () => expect(read(part)).rejects.toThrow(NoSuchObject));
  });

  it("is opened by no other token", async () => {
    const token = await wanted();
    const altered = `${token.slice(0, 20)}${token[20] === "A" ? "B" : "A"}${token.slice(21)}`;
    for (const bad of [altered, "", "x", token.slice(1)]) {
      await expect(one().openUpload({ token: bad })).rejects.toMatchObject({ code: "not_found" });
      await expect(one().startUpload({ token: bad })).rejects.toMatchObject({ code: "not_found" });
    }
  });
});

describe("a reading", () => {
  it("is listed, found in its namespace only, and removed with its object", async () => {
    const { number } = await uploaded();
    const { readings } = await other().listReadings({ namespace, limit: 10 });
    expect(readings.map((reading) => reading.number)).toEqual([number]);
    expect((await one().listReadings({ namespace, limit: 10, device: "18" })).readings).toEqual([]);
    await expect(one().getReading({ namespace: randomUUID(), number })).rejects.toMatchObject({
      code: "not_found",
    });
    const object = readings[0]?.stored?.objects[0] ?? "";
    expect((await read(object)).toString()).toBe("samples");
    await one().removeReading({ namespace, number });
    expect((await one().listReadings({ namespace, limit: 10 })).readings).toEqual([]);
    await holds("its object is gone", () => expect(read(object)).rejects.toThrow(NoSuchObject));
  });

  it("can be downloaded with a token until that expires, and with no other one", async () => {
    const { number, token: uploadToken } = await uploaded();
    const { token } = await one().createDownloadToken({ namespace, number, validS: 4 });
    await other().checkDownloadToken({ namespace, number, token });
    const refused = { code: "not_found" };
    for (const asked of [
      { namespace, number: number + 1n, token },
      { namespace: "other", number, token },
      { namespace, number, token: uploadToken },
      { namespace, number, token: `${token}A` },
    ]) {
      await expect(one().checkDownloadToken(asked)).rejects.toMatchObject(refused);
    }
    await holds("it has expired", async () => {
      await expect(one().checkDownloadToken({ namespace, number, token })).rejects.toMatchObject(refused);
    });
  });
});

describe("what is erased or cleared", () => {
  it("of a device takes its key, its readings and its objects, and nobody else's", async () => {
    const { number } = await uploaded();
    const reading = await one().getReading({ namespace, number });
    const object = reading.reading?.stored?.objects[0] ?? "";
    const kept = `${namespace}/171/u/0`;
    await stored(kept);
    await log.registry.append(
      { namespace, kind: "device", id: "17" },
      { events: [{ event: { case: "deviceErased", value: {} } }], decidedAt: 0n },
      0,
    );
    await holds("all of it is gone", async () => {
      expect((await one().listReadings({ namespace, limit: 10 })).readings).toEqual([]);
      await expect(read(object)).rejects.toThrow(NoSuchObject);
    });
    expect((await other().getReading({ namespace, number })).dataKey).toHaveLength(0);
    expect((await read(kept)).toString()).toBe("samples");
  });

  it("of a device takes what is under way as well: it cannot be finished, and nothing of it is left", async () => {
    const token = await wanted();
    const { upload } = await one().startUpload({ token });
    const part = `${namespace}/17/${upload?.id}/0`;
    await log.clearings.record({ namespace, device: "17" }, "test");
    await holds("its URL is over", async () => {
      await expect(other().startUpload({ token, resume: true })).rejects.toMatchObject({
        code: "failed_precondition",
      });
    });
    const late = await stored(part);
    await expect(one().finishUpload({ token, stored: late })).rejects.toMatchObject({
      code: "failed_precondition",
    });
    const again = await offer((await request()).number);
    await expect(one().startUpload({ token: again.answers[0]?.token ?? "" })).rejects.toMatchObject({
      details: { reason: "erased" },
    });
  });

  it("of a namespace takes all its objects and keys, but nothing that came since, and no other namespace's", async () => {
    const { number } = await uploaded();
    const before = await one().getReading({ namespace, number });
    const object = before.reading?.stored?.objects[0] ?? "";
    const kept = `${randomUUID()}/17/u/0`;
    await stored(kept);
    const cleared = await log.clearings.record({ namespace }, "test");
    for (const kind of ["data-request", "upload"] as const) {
      await log.clearings.purge(REGISTRY, registryOfNamespace(namespace, kind), cleared);
    }
    await holds("its object is gone", () => expect(read(object)).rejects.toThrow(NoSuchObject));
    await expect(one().getReading({ namespace, number })).rejects.toMatchObject({ code: "not_found" });
    expect((await read(kept)).toString()).toBe("samples");

    const since = await uploaded();
    const { reading, dataKey } = await one().getReading({ namespace, number: since.number });
    expect(dataKey).not.toEqual(before.dataKey);
    // The same again, as after a kill before the end of it was noted.
    await clearAgain();
    expect((await read(reading?.stored?.objects[0] ?? "")).toString()).toBe("samples");
    expect((await one().getReading({ namespace, number: since.number })).dataKey).toEqual(dataKey);
  });
});

async function clearAgain(): Promise<void> {
  const tables = openReadDatabase<OfferTables>({ url: database, schema: SCHEMA, onError: () => undefined });
  const waitFor = async (sequence: number) => {
    await one().listReadings({ namespace, limit: 1, atLeast: BigInt(sequence) });
    return true;
  };
  const sealing = new SealingKey(Buffer.from(INSTALLATION_KEY, "base64"));
  const keys = await DataKeys.open(log.connection, { bucket: DEVICE_KEYS, replicas: 1, sealing });
  const reader = { rows: new Rows(tables), waitFor };
  const unused = {
    aggregates: undefined as never,
    requests: undefined as never,
    uploads: undefined as never,
  };
  await new Consequences({ ...unused, log, keys, objects, reader }).ofClearing(namespace);
  await tables.close();
}

async function read(object: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of objects.get(object)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
