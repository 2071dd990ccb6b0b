import type { MessageInitShape } from "@bufbuild/protobuf";
import { REGISTRY, type registry, SIGNALS, sequenceOf, type signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { encoded, heartbeat, pick, RECEIVED, startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";
import { rejection } from "./signals.fixture.js";

const MODELS = ["events", "readings", "messages", "devices", "configurations"];

let servers: TestServers;
let log: EventLog;
let one: Replica;
let two: Replica;
let database: pg.Pool;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  const url = await servers.databaseUrl("projections");
  database = new pg.Pool({ connectionString: url });
  [one, two] = await Promise.all([startReplica(servers.nats.url, url), startReplica(servers.nats.url, url)]);
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await database?.end();
  await log?.close();
  await servers?.stop();
});

const append = (namespace: string, signal: signals.Signal) => log.signals.append(namespace, encoded(signal));
const appendAll = (namespace: string, all: signals.Signal[]) =>
  Promise.all(all.map((one) => append(namespace, one)));
const atLeast = async () => BigInt(await log.lastSequence(SIGNALS));

type RegistryEvent = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;
async function decide(namespace: string, id: string, expected: number, ...decided: RegistryEvent[]) {
  const decision = {
    events: decided.map((event) => ({ event })),
    decidedAt: BigInt(RECEIVED),
    decidedBy: "system",
  };
  return await log.registry.append({ namespace, kind: "device", id }, decision, expected);
}

describe("events", () => {
  it("are shown with what the device said, as soon as the read model has reached them", async () => {
    const position = await append("shown", pick("d1", "1/a"));
    for (const { client } of [one, two]) {
      const { events, next } = await client.listEvents({
        ...{ namespace: "shown", limit: 10, atLeast: BigInt(sequenceOf(position)) },
      });
      expect(next).toBeUndefined();
      expect(events).toMatchObject([
        {
          position: BigInt(position),
          device: "d1",
          identity: "1/a",
          type: "pick",
          receivedAt: BigInt(RECEIVED),
        },
      ]);
      expect(JSON.parse(events[0]?.dataJson ?? "")).toEqual({
        ...{ sensor: "0", sensorType: "accelerometer-3-axis", readings: [0.5, -0.25, 1e-7] },
        ...{ eventCount: 3, timeWindow: 600, location: { latitude: 34.1, longitude: -118.1, source: "gps" } },
        ...{ sentAt: "2026-05-01T11:59:59.900Z", receivedAt: "2026-05-01T12:00:00.000Z" },
      });
    }
  });

  it("come in pages, forwards and backwards, that hold each once", async () => {
    const all = Array.from({ length: 25 }, (_, i) => pick(`d${i % 2}`, `${i}`, i * 1_000));
    const positions = (await appendAll("paged", all)).map(BigInt).sort((a, b) => Number(a - b));
    const { client } = one;
    const asked = { namespace: "paged", limit: 10, atLeast: await atLeast() };
    const walk = async (by: "after" | "before", start: bigint | undefined) => {
      const pages: bigint[][] = [];
      for (let from = start; pages.length < 10; ) {
        const page = await client.listEvents({ ...asked, ...(from === undefined ? {} : { [by]: from }) });
        pages.push(page.events.map((event) => event.position));
        from = page.next;
        if (from === undefined) break;
      }
      return pages;
    };
    expect(await walk("after", undefined)).toEqual([
      positions.slice(0, 10),
      positions.slice(10, 20),
      positions.slice(20),
    ]);
    expect(await walk("before", BigInt(Number.MAX_SAFE_INTEGER))).toEqual([
      positions.slice(15),
      positions.slice(5, 15),
      positions.slice(0, 5),
    ]);
    const between = await client.listEvents({
      ...asked,
      after: positions[2] as bigint,
      before: positions[5] as bigint,
    });
    expect(between.events.map((event) => event.position)).toEqual(positions.slice(3, 5));
    const exact = await client.listEvents({ ...asked, limit: 25 });
    expect([exact.events.length, exact.next]).toEqual([25, undefined]);
  });

  it("are found by device, type and time, and only in their namespace", async () => {
    await appendAll("found", [
      pick("a", "1", 1_000),
      pick("b", "1", 2_000),
      pick("a", "2", 3_000, { body: { case: "event", value: { name: "tilt" } } }),
    ]);
    await append("other", pick("a", "1", 1_000));
    const { client } = one;
    const asked = { namespace: "found", limit: 10, atLeast: await atLeast() };
    const identities = async (filter: object) => {
      const { events } = await client.listEvents({ ...asked, ...filter });
      return events.map(({ device, identity }) => device + identity);
    };
    expect(await identities({ device: "a" })).toEqual(["a1", "a2"]);
    expect(await identities({ type: "tilt" })).toEqual(["a2"]);
    const time = (at: number) => BigInt(RECEIVED + at - 250);
    expect(await identities({ from: time(2_000) })).toEqual(["b1", "a2"]);
    expect(await identities({ from: time(1_000), to: time(3_000) })).toEqual(["a1", "b1"]);
    expect(await identities({ namespace: "nobody" })).toEqual([]);
  });

  it("with times that no calendar has are kept, and park nobody", async () => {
    await append("odd", pick("d", "1", 0, { occurredAt: 2n ** 62n, sentAt: -(2n ** 62n) }));
    const { events } = await one.client.listEvents({ namespace: "odd", limit: 1, atLeast: await atLeast() });
    expect(new Date(Number(events[0]?.occurredAt)).getUTCFullYear()).toBe(9999);
    expect(JSON.parse(events[0]?.dataJson ?? "").sentAt).toBe("0001-01-01T00:00:00.000Z");
  });

  it("whose texts an index would not take are kept, and park nobody", async () => {
    const wide = (length: number) =>
      Array.from({ length }, () => String.fromCodePoint((0x4e00 + Math.random() * 20_000) | 0)).join("");
    const texts = { name: wide(1_000), reading: { sensor: "0", sensorType: wide(1_000), values: [1] } };
    const identity = `${wide(200)}\n${wide(1_000)}`;
    for (const id of [identity, identity, `${identity}2`]) {
      await append("wide", pick("d", id, 0, { body: { case: "event", value: texts } }));
    }
    const nobody = wide(1_000);
    for (const device of [nobody, "nul\0"]) await append("wide", rejection(device, "measurements/x", "no"));
    const asked = { namespace: "wide", limit: 10, atLeast: await atLeast() };
    const { events } = await one.client.listEvents({ ...asked, sensorType: texts.reading.sensorType });
    expect(events.map(({ device }) => device)).toEqual(["d", "d"]);
    expect(texts.name.startsWith(events[0]?.type ?? "none")).toBe(true);
    expect(JSON.parse(events[0]?.dataJson ?? "").sensorType).toBe(texts.reading.sensorType);
    const { entries } = await one.client.listLogEntries({ ...asked, device: nobody });
    expect(entries).toEqual([]);
    const { deadLetters } = await one.client.listDeadLetters({ limit: 100 });
    expect(deadLetters.filter(({ namespace }) => namespace === "wide")).toEqual([]);
  });

  it.each([0, 1_001])("are refused in pages of %i", async (limit) => {
    await expect(one.client.listEvents({ namespace: "paged", limit })).rejects.toMatchObject({
      ...{ code: "invalid_argument", details: { field: "limit" } },
    });
  });
});

describe("devices", () => {
  it("are shown with metadata, sensors, and what was heard of them", async () => {
    const text = (value: string) => ({ value: { case: "text" as const, value } });
    const first = await decide(
      "fleet",
      "d1",
      0,
      {
        case: "deviceRegistered",
        value: {
          dialect: "csn",
          metadata: { name: "cellar", floor: "-1", properties: { rack: text("3"), old: text("x") } },
        },
      },
      {
        case: "sensorAdded",
        value: { sensor: "0", sensorType: "accelerometer-3-axis", details: { units: "g" } },
      },
    );
    const second = await decide(
      "fleet",
      "d1",
      first,
      { case: "deviceMetadataChanged", value: { metadata: { name: "attic" }, unsetProperties: ["old"] } },
      { case: "sensorChanged", value: { sensor: "0", details: { calibrated: true } } },
      { case: "sensorAdded", value: { sensor: "1", sensorType: "temperature" } },
      { case: "sensorRemoved", value: { sensor: "1" } },
    );
    await decide("fleet", "d2", 0, { case: "deviceRegistered", value: { dialect: "csn" } });
    await appendAll("fleet", [pick("d1", "p1", 1_000), pick("d1", "p2", 2_000)]);
    await append(
      "fleet",
      heartbeat("d1", "h1", 3_000, "update", [{ sensor: "0", eventCount: 4, windowS: 600 }]),
    );
    await one.client.listEvents({ namespace: "fleet", limit: 1, atLeast: await atLeast() });

    const { device } = await two.client.getDevice({
      namespace: "fleet",
      device: "d1",
      atLeast: BigInt(second),
    });
    expect(device).toMatchObject({
      ...{ id: "d1", dialect: "csn", registeredAt: BigInt(RECEIVED), status: "update", eventCount: 2n },
      lastSeenAt: BigInt(RECEIVED + 3_000),
    });
    expect(JSON.parse(device?.metadataJson ?? "")).toEqual({
      name: "attic",
      floor: "-1",
      properties: { rack: "3" },
    });
    expect(JSON.parse(device?.sensorsJson ?? "")).toEqual([
      {
        id: "0",
        sensorType: "accelerometer-3-axis",
        removed: false,
        details: { units: "g", calibrated: true },
      },
      { id: "1", sensorType: "temperature", removed: true, details: {} },
    ]);

    const page = await one.client.listDevices({
      namespace: "fleet",
      limit: 1,
      atLeast: BigInt(await log.lastSequence(REGISTRY)),
    });
    expect([page.devices.map(({ id }) => id), page.next]).toEqual([["d1"], "d1"]);
    const rest = await one.client.listDevices({ namespace: "fleet", limit: 1, after: page.next });
    expect(rest.devices).toMatchObject([{ id: "d2", eventCount: 0n, status: "" }]);
    expect([rest.devices[0]?.lastSeenAt, rest.next]).toEqual([undefined, ""]);
  });

  it("that nobody registered are not found", async () => {
    await append("fleet", pick("stranger", "1"));
    for (const [namespace, device] of [
      ["fleet", "stranger"],
      ["test", "d1"],
    ]) {
      await expect(one.client.getDevice({ namespace, device } as never)).rejects.toMatchObject({
        code: "not_found",
      });
    }
  });

  it("count and remember a resent signal once", async () => {
    await decide("resent", "d", 0, { case: "deviceRegistered", value: { dialect: "csn" } });
    await append("resent", pick("d", "p1", 0));
    await append("resent", heartbeat("d", "h1", 1_000, "update"));
    await append("resent", heartbeat("d", "h2", 2_000, "restart"));
    await append("resent", heartbeat("d", "h1", 3_000, "update"));
    await appendAll("resent", [pick("d", "p1", 4_000), pick("d", "p2", 4_000), pick("d", "p1", 4_000)]);
    const { events } = await one.client.listEvents({
      namespace: "resent",
      limit: 10,
      atLeast: await atLeast(),
    });
    expect(events.map(({ identity, receivedAt }) => [identity, Number(receivedAt) - RECEIVED])).toEqual([
      ["p1", 0],
      ["p2", 4_000],
    ]);
    const { device } = await one.client.getDevice({ namespace: "resent", device: "d" });
    expect(device).toMatchObject({ eventCount: 2n, status: "restart", lastSeenAt: BigInt(RECEIVED + 4_000) });
  });
});

describe("two replicas", () => {
  it("double nothing, also when one that is active ends under load", async () => {
    const before = await database.query("SELECT count(*)::int AS rows FROM projections.events");
    const devices = Array.from({ length: 50 }, (_, i) => `m${i}`);
    const load = (async () => {
      for (let round = 0; round < 40; round++) {
        await appendAll(
          "many",
          devices.map((device) => pick(device, String(round), round)),
        );
      }
    })();
    const url = database.options.connectionString as string;
    await new Promise((resolve) => setTimeout(resolve, 150));
    await one.close();
    await load;
    const { events } = await two.client.listEvents({
      namespace: "many",
      limit: 1_000,
      atLeast: await atLeast(),
    });
    expect(events).toHaveLength(1_000);
    one = await startReplica(servers.nats.url, url);
    const after = await database.query(
      "SELECT count(*)::int AS rows, count(DISTINCT (namespace, device, identity))::int AS once FROM projections.events",
    );
    expect(after.rows[0]).toEqual({ rows: before.rows[0].rows + 2_000, once: before.rows[0].rows + 2_000 });
    const counted = await database.query(
      "SELECT sum(event_count)::int AS events, count(*)::int AS devices FROM projections.activity WHERE namespace = 'many'",
    );
    expect(counted.rows[0]).toEqual({ events: 2_000, devices: 50 });
  });
});

describe("an operator", () => {
  const live = (client: Replica["client"]) =>
    until("live", async () => {
      const { readModels } = await client.listReadModels({});
      return readModels.every(({ state }) => state === "live") && readModels;
    });

  it("sees how far the read models are, the same on each replica", async () => {
    const readModels = await live(one.client);
    expect(readModels).toMatchObject([
      {
        name: "events",
        version: 4,
        sequence: await atLeast(),
        logSequence: await atLeast(),
        parkedDevices: 0,
      },
      { name: "readings", version: 1, parkedDevices: 0, reason: "" },
      { name: "messages", version: 1, parkedDevices: 0, reason: "" },
      { name: "devices", version: 4, parkedDevices: 0, reason: "" },
      { name: "configurations", version: 1, parkedDevices: 0, reason: "" },
    ]);
    expect((await two.client.listReadModels({})).readModels).toEqual(readModels);
  });

  it("has a read model built anew on whichever replica, with the same rows, while it is read", async () => {
    const digest = async () => {
      const { rows } = await database.query(`
        SELECT md5(string_agg(e::text, '|' ORDER BY position)) AS events, count(*)::int AS rows,
               (SELECT md5(string_agg(a::text, '|' ORDER BY namespace, device)) FROM projections.activity a) AS activity,
               (SELECT md5(string_agg(d::text, '|' ORDER BY namespace, id)) FROM projections.devices d) AS devices
          FROM projections.events e`);
      return rows[0];
    };
    const before = await digest();
    let reading = true;
    const reader = (async () => {
      while (reading) {
        const { events } = await two.client.listEvents({ namespace: "many", limit: 1_000 });
        expect(events).toHaveLength(1_000);
      }
    })();
    for (const { client } of [one, two]) {
      for (const name of MODELS) await client.rebuildReadModel({ name });
      await live(client);
    }
    reading = false;
    await reader;
    expect(await digest()).toEqual(before);
    await expect(one.client.rebuildReadModel({ name: "nothing" })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("lists, retries and drops what could not be applied", async () => {
    const unreadable = pick("broken", "1\u0000");
    await append("letters", unreadable);
    await append("letters", pick("broken", "2"));
    await append("letters", pick("sound", "1"));
    const { events } = await one.client.listEvents({
      namespace: "letters",
      limit: 10,
      atLeast: await atLeast(),
    });
    expect(events.map(({ device }) => device)).toEqual(["sound"]);
    const { deadLetters } = await two.client.listDeadLetters({ limit: 10 });
    expect(deadLetters).toMatchObject([
      {
        readModel: "events",
        namespace: "letters",
        device: "broken",
        reason: expect.stringContaining("invalid byte sequence"),
      },
      {
        readModel: "events",
        namespace: "letters",
        device: "broken",
        reason: expect.stringContaining("waits behind"),
      },
    ]);
    const target = { readModel: "events", namespace: "letters", device: "broken" };
    expect(await two.client.retryDeadLetters(target)).toMatchObject({ applied: 0, remaining: 2 });
    expect(await two.client.dropDeadLetters(target)).toMatchObject({ dropped: 2 });
    await append("letters", pick("broken", "3"));
    const again = await one.client.listEvents({ namespace: "letters", limit: 10, atLeast: await atLeast() });
    expect(again.events.map(({ device }) => device)).toEqual(["sound", "broken"]);
  });

  it("finds the service ready, and its metrics", async () => {
    await until("ready", async () => (await one.runtime.health.report()).ready);
    const told = await Promise.all([one, two].map(({ runtime }) => runtime.metrics.metrics()));
    for (const model of MODELS) {
      const lag = `fieldlog_read_model_lag_commits{service="projections",model="${model}"} 0`;
      expect(told.filter((metrics) => metrics.includes(lag))).toHaveLength(1);
    }
  });
});
