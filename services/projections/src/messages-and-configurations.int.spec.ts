import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type AggregateKind,
  INSTALLATION,
  REGISTRY,
  type registry,
  SIGNALS,
  type signals,
} from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { encoded, RECEIVED, startServers, type TestServers } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";
import { message } from "./signals.fixture.js";

let servers: TestServers;
let log: EventLog;
let replica: Replica;
let database: pg.Pool;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  const url = await servers.databaseUrl("messages");
  database = new pg.Pool({ connectionString: url });
  replica = await startReplica(servers.nats.url, url);
});
afterAll(async () => {
  await replica?.close();
  await database?.end();
  await log?.close();
  await servers?.stop();
});

const append = (namespace: string, signal: signals.Signal) => log.signals.append(namespace, encoded(signal));
const atLeast = async () => BigInt(await log.lastSequence(SIGNALS));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe("messages", () => {
  it("are found by topic filter, in the order in which they came, page by page", async () => {
    const topics = ["a/b", "a/c", "a/b/c", "a", "$sys/x", "a.b", "b/b", "a/b", "ü/b", "a//b", "ab/b"];
    for (const [i, topic] of topics.entries()) await append("found", message("d", topic, String(i)));
    await append("other", message("d", "a/b", "x"));
    const find = async (topicFilter: string, limit = 1_000) => {
      const found: string[] = [];
      let after: bigint | undefined;
      do {
        const page = await replica.client.listMessages({
          ...{ namespace: "found", topicFilter, limit, atLeast: await atLeast() },
          ...(after === undefined ? {} : { after }),
        });
        expect(page.messages.length).toBeLessThanOrEqual(limit);
        found.push(...page.messages.map(({ payload }) => text(payload)));
        after = page.next;
      } while (after !== undefined);
      return found.map(Number);
    };
    const all = [...topics.keys()];
    for (const limit of [1, 3, 1_000]) {
      expect(await find("", limit)).toEqual(all);
      expect(await find("a/b", limit)).toEqual([0, 7]);
      expect(await find("a/+", limit)).toEqual([0, 1, 7]);
      expect(await find("a/#", limit)).toEqual([0, 1, 2, 3, 7, 9]);
      expect(await find("+/b", limit)).toEqual([0, 6, 7, 8, 10]);
      expect(await find("#", limit)).toEqual(all.filter((i) => i !== 4));
      expect(await find("$sys/#", limit)).toEqual([4]);
      expect(await find("ü/+", limit)).toEqual([8]);
      expect(await find("a/+/b", limit)).toEqual([9]);
      expect(await find("none/#", limit)).toEqual([]);
    }
    for (const topicFilter of ["a/#/b", "a/b#", "a+/b", "x".repeat(1_025)]) {
      await expect(
        replica.client.listMessages({ namespace: "found", topicFilter, limit: 1 }),
      ).rejects.toMatchObject({ code: "invalid_argument", details: { field: "topic_filter" } });
    }
  });

  it("come with all that was said of them, and once if they have an identity", async () => {
    const publication = {
      ...{ qos: 2, retain: false, clientId: "c", contentType: "text/plain", utf8: true, responseTopic: "r" },
      ...{ correlationData: Buffer.from([0, 1]), userProperties: [{ key: "k", value: "v" }] },
    };
    const first = await append("told", message("d", "t", "payload", publication, { identity: "q/1" }));
    await append("told", message("d", "t", "payload", publication, { identity: "q/1" }));
    for (let i = 0; i < 2; i++) await append("told", message("d", "t", "again"));
    const { messages } = await replica.client.listMessages({
      ...{ namespace: "told", limit: 10, atLeast: await atLeast() },
    });
    expect(messages.map(({ payload }) => text(payload))).toEqual(["payload", "again", "again"]);
    expect(messages[0]).toMatchObject({
      ...{ position: BigInt(first), device: "d", receivedAt: BigInt(RECEIVED) },
      publication: { topic: "t", ...publication },
    });
  });

  it("are looked through in steps where a filter matches few", async () => {
    await database.query(`
      INSERT INTO projections.messages (namespace, position, device, identity, topic, payload, publication, received_at)
      SELECT 'many', n, 'd', '', CASE WHEN n IN (5, 45000) THEN 'rare/one' ELSE 'frequent' END, '', '', now()
        FROM generate_series(1, 50000) AS n`);
    const pages: number[][] = [];
    let after: bigint | undefined;
    do {
      const page = await replica.client.listMessages({
        ...{ namespace: "many", topicFilter: "+/one", limit: 10 },
        ...(after === undefined ? {} : { after }),
      });
      pages.push(page.messages.map(({ position }) => Number(position)));
      after = page.next;
    } while (after !== undefined);
    expect(pages).toEqual([[5], [], [45_000]]);
  });

  it("of more bytes than fit in an answer come in several pages", async () => {
    await database.query(`
      INSERT INTO projections.messages (namespace, position, device, identity, topic, payload, publication, received_at)
      SELECT 'large', n, 'd', '', 't', repeat('x', 3000000)::bytea, '', now() FROM generate_series(1, 3) AS n`);
    const ask = (after: bigint) => replica.client.listMessages({ namespace: "large", limit: 10, after });
    expect(await ask(0n)).toMatchObject({ messages: [{ position: 1n }], next: 1n });
    expect(await ask(2n)).toMatchObject({ messages: [{ position: 3n }] });
    expect((await ask(2n)).next).toBeUndefined();
  });
});

describe("retained messages", () => {
  const retained = async (namespace: string, topicFilter = "", limit = 10, after = "") => {
    const page = await replica.client.listRetained({
      ...{ namespace, topicFilter, limit, after, atLeast: await atLeast() },
    });
    return [
      page.messages.map(({ publication, payload }) => `${publication?.topic}=${text(payload)}`),
      page.next,
    ];
  };

  it("are the newest of each topic, and gone when an empty one came or their time is up", async () => {
    const put = (topic: string, payload: string, more: object = {}, signal: object = {}) =>
      append("kept", message("d", topic, payload, { retain: true, ...more }, signal));
    await put("a", "1", {}, { identity: "q/1" });
    await put("b/c", "1");
    await append("kept", message("d", "a", "not retained"));
    expect(await retained("kept")).toEqual([["a=1", "b/c=1"], ""]);
    await put("a", "2");
    await put("a", "1", {}, { identity: "q/1" });
    expect(await retained("kept", "a")).toEqual([["a=2"], ""]);
    await put("b/c", "");
    expect(await retained("kept", "b/#")).toEqual([[], ""]);
    await put("e", "1", { expiresAt: BigInt(Date.now() - 1) });
    await put("f", "1", { expiresAt: BigInt(Date.now() + 60_000) });
    expect(await retained("kept", "+")).toEqual([["a=2", "f=1"], ""]);
    expect(await retained("kept", "", 1)).toEqual([["a=2"], "a"]);
    expect(await retained("kept", "", 1, "a")).toEqual([["f=1"], ""]);
  });

  it("are looked through in steps where a filter matches few", async () => {
    await database.query(`
      INSERT INTO projections.retained (namespace, position, device, topic, payload, publication, received_at)
      SELECT 'wide', n, 'd', CASE WHEN n = 25000 THEN 'z/one' ELSE 'a/' || to_char(n, 'FM00000') END, 'x', '', now()
        FROM generate_series(1, 25000) AS n`);
    expect(await retained("wide", "+/one")).toEqual([[], "a/20000"]);
    const { messages, next } = await replica.client.listRetained({
      ...{ namespace: "wide", topicFilter: "+/one", limit: 10, after: "a/20000" },
    });
    expect([messages.map(({ position }) => position), next]).toEqual([[25_000n], ""]);
  });
});

type RegistryEvent = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;
const sequences = new Map<string, number>();
async function decide(
  kind: AggregateKind,
  namespace: string,
  id: string,
  at: number,
  ...events: RegistryEvent[]
) {
  const key = `${kind} ${namespace} ${id}`;
  const decision = {
    events: events.map((event) => ({ event })),
    decidedAt: BigInt(RECEIVED + at),
    decidedBy: "system",
  };
  sequences.set(key, await log.registry.append({ namespace, kind, id }, decision, sequences.get(key) ?? 0));
}
const decided = async () => BigInt(await log.lastSequence(REGISTRY));

describe("configurations", () => {
  it("have all their times, and their first answer for ever", async () => {
    const configuration = (at: number, event: RegistryEvent) => decide("configuration", "c", "d", at, event);
    const value = '{"b": 1, "a": "\\u0000", "b": 2}';
    await configuration(0, { case: "configurationCreated", value: { revision: 0, valueJson: value } });
    await configuration(1, { case: "configurationCreated", value: { revision: 1, valueJson: "{}" } });
    await configuration(2, { case: "configurationCreated", value: { revision: 2, valueJson: "{}" } });
    for (const at of [3, 4]) {
      await configuration(at, { case: "configurationPublished", value: { revision: 0 } });
      const answer = { revision: 0, success: at === 3, acknowledgedAt: at / 8 };
      await configuration(at + 10, { case: "configurationAcknowledged", value: answer });
    }
    const ask = async (asked: object = {}) => {
      const { configurations } = await replica.client.listConfigurations({
        ...{ namespace: "c", device: "d", limit: 64, atLeast: await decided(), ...asked },
      });
      return configurations;
    };
    const all = await ask();
    expect(all).toMatchObject([
      {
        ...{ revision: 0, valueJson: value, createdAt: BigInt(RECEIVED), publishedAt: BigInt(RECEIVED + 3) },
        ...{ acknowledgedAt: 0.375, receivedAt: BigInt(RECEIVED + 13), success: true },
      },
      { revision: 1, createdAt: BigInt(RECEIVED + 1) },
      { revision: 2 },
    ]);
    expect([all[1]?.publishedAt, all[1]?.acknowledgedAt, all[1]?.success]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(await ask({ revision: 0 })).toEqual(all.slice(1));
    expect(await ask({ revision: 0, limit: 1 })).toEqual(all.slice(1, 2));
    expect(await ask({ previous: true, limit: 2 })).toEqual(all.slice(1));
    expect(await ask({ previous: true, revision: 2 })).toEqual(all.slice(0, 2));
    expect(await ask({ previous: true, revision: 0 })).toEqual([]);
    expect(await ask({ device: "nobody" })).toEqual([]);
  });
});

describe("named devices", () => {
  it("are listed by name, one that is being renamed once, one that is removed not at all", async () => {
    const reserve = (name: string, device: string) =>
      decide("device-name", "n", name, 0, { case: "deviceNameReserved", value: { device } });
    const register = async (device: string, name: string) => {
      await reserve(name, device);
      const value = { dialect: "tenta", metadata: { name } };
      await decide("device", "n", device, 0, { case: "deviceRegistered", value });
    };
    await register("1", "zebra");
    await register("2", "ant");
    await register("3", "mole");
    await reserve("nobody", "4");
    await decide("device", "n", "5", 0, {
      case: "deviceRegistered",
      value: { dialect: "csn", metadata: { name: "csn" } },
    });
    await append("n", message("2", "t", "x"));
    const list = async (asked: object = {}) => {
      const page = await replica.client.listNamedDevices({
        ...{ namespace: "n", limit: 10, atLeast: await decided(), ...asked },
      });
      return [page.devices.map(({ id, name }) => id + name), page.next];
    };
    await replica.client.listEvents({ namespace: "n", limit: 1, atLeast: await atLeast() });
    expect(await list()).toEqual([["2ant", "3mole", "1zebra"], ""]);
    expect(await list({ limit: 2 })).toEqual([["2ant", "3mole"], "mole"]);
    expect(await list({ limit: 2, after: "mole" })).toEqual([["1zebra"], ""]);
    const { devices } = await replica.client.listNamedDevices({ namespace: "n", limit: 10 });
    expect(devices.map(({ lastSeenAt }) => lastSeenAt)).toEqual([BigInt(RECEIVED), undefined, undefined]);

    await reserve("bee", "1");
    expect(await list()).toEqual([["2ant", "3mole", "1zebra"], ""]);
    await decide("device", "n", "1", 1, {
      case: "deviceMetadataChanged",
      value: { metadata: { name: "bee" } },
    });
    expect(await list()).toEqual([["2ant", "1bee", "3mole"], ""]);
    await decide("device-name", "n", "zebra", 1, { case: "deviceNameReleased", value: {} });
    await decide("device", "n", "2", 1, { case: "deviceRemoved", value: {} });
    expect(await list()).toEqual([["1bee", "3mole"], ""]);
    await expect(replica.client.getDevice({ namespace: "n", device: "2" })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

describe("namespaces", () => {
  it("keep log entries for 56 days and measurements for ever, until somebody says otherwise", async () => {
    const retention = async () => {
      await replica.client.listConfigurations({ namespace: "", limit: 1, atLeast: await decided() });
      const { rows } = await database.query(
        "SELECT id, measurement_days::int, log_days::int FROM projections.namespaces WHERE name = 'airquality'",
      );
      return rows[0];
    };
    const decideIt = (event: RegistryEvent) => decide("namespace", INSTALLATION, "airquality", 0, event);
    await decideIt({ case: "namespaceCreated", value: { id: "ns1", name: "airquality" } });
    expect(await retention()).toEqual({ id: "ns1", measurement_days: null, log_days: 56 });
    await decideIt({ case: "retentionChanged", value: { measurementDays: 365 } });
    expect(await retention()).toEqual({ id: "ns1", measurement_days: 365, log_days: null });
  });
});
