import { randomBytes } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { shardOf, signals } from "@fieldlog/contracts";
import { connectLog } from "@fieldlog/event-log";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Door, mqttSession, serverSentEvents, type WayOut, webSocket } from "./ways-out.fixture.js";

type Json = Record<string, unknown>;

const key = `fl_${randomBytes(32).toString("base64url")}`;
const secrets = {
  FIELDLOG_ADMIN_KEY: key,
  FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
};
const ways: WayOut[] = [];
let servers: TestServers;
let postgresUrl: string;
let system: System | undefined;

beforeAll(async () => {
  servers = await startServers();
  postgresUrl = await servers.databaseUrl("shards");
});
afterAll(async () => {
  await Promise.all(ways.map((way) => way.stop()));
  await system?.stop();
  await servers?.stop();
});

async function start(shards: number): Promise<void> {
  const settings = { ...secrets, FIELDLOG_SHARDS: String(shards) };
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true, settings });
}

async function ask(method: string, path: string, body?: object): Promise<Response> {
  const authorization = `Bearer ${key}`;
  const type = { "content-type": "application/json" };
  const init = body && { headers: { authorization, ...type }, body: JSON.stringify(body) };
  return await fetch(`${system?.url}/v1${path}`, { method, ...(init ?? { headers: { authorization } }) });
}

async function json(method: string, path: string, body?: object): Promise<Json> {
  const answer = await ask(method, path, body);
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Json;
}

const listed = async (path: string, name: string) => (await json("GET", path))[name] as Json[];
const events = (namespace: string) => listed(`/namespaces/${namespace}/events?type=tick`, "events");

/** Three events. */
async function publish(namespace: string): Promise<void> {
  for (const n of [0, 1, 2]) {
    await json("POST", `/namespaces/${namespace}/events`, { name: "tick", data: { p: 0, n } });
  }
}

/** A device that is heard of, and what it sends into a stream. */
async function device(namespace: string): Promise<string> {
  const of = `/namespaces/${namespace}`;
  const { id } = await json("POST", `${of}/devices`, { name: "roof" });
  await json("POST", `${of}/devices/${id}/heartbeat`, {});
  expect((await ask("PUT", `${of}/stream-groups/air/streams/raw`, {})).status).toBe(204);
  const log = await connectLog({ url: servers.nats.url, name: "test", shards: 2 });
  const signal = create(signals.SignalSchema, {
    ...{ device: String(id), receivedAt: BigInt(Date.now()), occurredAt: BigInt(Date.now()) },
    body: {
      case: "streamMessage",
      value: { group: "air", stream: "raw", batch: "b", message: "m", payload: Buffer.from(namespace) },
    },
  });
  await log.signals.append(namespace, toBinary(signals.SignalSchema, signal));
  await log.close();
  return String(id);
}

const message = (namespace: string) =>
  until(`the message of ${namespace} is stored`, async () => {
    const [found] = await listed(`/namespaces/${namespace}/streams/messages`, "messages");
    if (typeof found?.["sha256"] !== "string") return undefined;
    return (await ask("GET", `/namespaces/${namespace}/streams/messages/${found["position"]}/data`)).text();
  });

it("a second shard takes new namespaces, and leaves all that was there as it is", {
  timeout: 240_000,
}, async () => {
  await start(1);
  const { id: before } = await json("POST", "/namespaces", { name: "before" });
  const first = String(before);
  await publish(first);
  const told = await events(first);
  expect(told).toHaveLength(3);
  const refused = await ask("POST", "/namespaces", { name: "second", shard: 1 });
  expect([refused.status, await refused.text()]).toEqual([
    400,
    expect.stringContaining("FIELDLOG_SHARDS is 1"),
  ]);
  await system?.stop();

  await start(2);
  expect(await events(first)).toEqual(told);
  // Three are in the first shard by now.
  const made = await json("POST", "/namespaces", { name: "second" });
  const second = String(made["id"]);
  expect([made["shard"], shardOf(second), shardOf(first)]).toEqual([1, 1, 0]);
  const { url = "", wsUrl = "", mqttUrl = "" } = system as System;
  for (const namespace of [first, second]) {
    const door: Door = { url, wsUrl, mqttUrl, key, namespace };
    const own = [serverSentEvents(door), webSocket(door), await mqttSession(door)];
    ways.push(...own);
    await publish(namespace);
    const all = await events(namespace);
    expect(all).toHaveLength(namespace === first ? 6 : 3);
    const positions = all.map(({ position }) => position).slice(-3);
    for (const { heard, name } of own) {
      await until(name, () =>
        positions.every((position) => heard.some((event) => event.position === position)),
      );
    }
    const id = await device(namespace);
    const path = `/namespaces/${namespace}/devices/${id}/liveness`;
    await until("it is active", async () => {
      const answer = await ask("GET", path);
      return answer.ok && ((await answer.json()) as Json)["state"] === "active";
    });
    expect(await message(namespace)).toBe(namespace);
  }

  await json("POST", `/namespaces/${second}/clear`);
  expect(await events(second)).toEqual([]);
  await until("its devices are gone", async () => {
    return (await listed(`/namespaces/${second}/liveness`, "devices")).length === 0;
  });
  expect(await events(first)).toHaveLength(6);
  expect(await message(first)).toBe(first);
  expect(await listed(`/namespaces/${first}/liveness`, "devices")).toHaveLength(1);

  await publish(second);
  expect((await ask("POST", "/read-models/events_1/rebuild")).status).toBe(202);
  await until("it is built", async () => {
    const models = await listed("/read-models", "readModels");
    return models.find(({ name }) => name === "events_1")?.["state"] === "live";
  });
  expect([await events(first), await events(second)].map(({ length }) => length)).toEqual([6, 3]);
});
