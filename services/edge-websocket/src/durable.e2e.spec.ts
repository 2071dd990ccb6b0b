import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Api, Client, type Json } from "./client.fixture.js";
import { withTls } from "./tunnels/tunnelled.fixture.js";
import { tunnels } from "./tunnels/tunnels.fixture.js";

let servers: TestServers;
let system: System;
let api: Api;
let tls: Awaited<ReturnType<typeof withTls>>;
const open: Client[] = [];

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("durable");
  tls = await withTls();
  system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl, settings: tls.settings },
    apart: { "edge-websocket": 2 },
  });
  api = new Api(system);
});
afterEach(() => {
  for (const client of open.splice(0)) client.terminate();
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
  await tls?.remove();
});

const otherUrl = () => system.processes["edge-websocket-2"]?.wsUrl ?? "";
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

async function create(place: string): Promise<string> {
  const filter = { places: [place] };
  const { status, json } = await api.call("POST", "namespaces/test/subscriptions", {
    filter,
    delivery: "stream",
  });
  expect(status).toBe(201);
  return String(json["id"]);
}

async function read(subscription: string, url = system.wsUrl): Promise<Client> {
  const client = await Client.subscribed(url, { namespace: "test", subscription }, { key: system.adminKey });
  open.push(client);
  return client;
}

function publish(place: string, from: number, to: number): Promise<number[]> {
  return api.publish(numbers(from, to).map((value): Json => ({ name: "light", place, value })));
}

async function status(id: string): Promise<Json> {
  const { json } = await api.call("GET", `namespaces/test/subscriptions/${id}`);
  return json["status"] as Json;
}

it("goes on behind what was acknowledged, on any edge; what was not comes again with the same id", async () => {
  const id = await create("a");
  const first = await read(id);
  const positions = await publish("a", 0, 10);
  await until("all have come", () => first.events.length === 10);
  first.say({ type: "ack", position: positions[3] });
  await until("it is noted", async () => (await status(id))["position"] === positions[3]);
  expect(await status(id)).toMatchObject({ connected: true, delivered: 4 });
  first.close();
  await until("it is gone", async () => (await status(id))["connected"] === false);
  await publish("a", 10, 12);
  const again = await read(id, otherUrl());
  await until("the rest has come", () => again.events.length === 8);
  expect(again.values).toEqual(numbers(4, 12));
  expect(again.events[0]).toEqual(first.events[4]);
  again.say({ type: "ack", position: Number.MAX_SAFE_INTEGER });
  await until("refused", () => again.of("error").length === 1);
  expect(again.closed).toBeUndefined();
});

it("is read by one at a time: who comes later takes it over", async () => {
  const id = await create("b");
  const first = await read(id);
  const second = await read(id, otherUrl());
  await until("the first is told", () => first.closed?.code === 4_409);
  await publish("b", 0, 3);
  await until("the second has them", () => second.events.length === 3);
  expect(first.events).toEqual([]);
});

it("loses nothing when its edge is killed", async () => {
  const id = await create("c");
  const first = await read(id);
  const [, second] = await publish("c", 0, 5);
  await until("all have come", () => first.events.length === 5);
  first.say({ type: "ack", position: second });
  await until("it is noted", async () => (await status(id))["position"] === second);
  const door = system.processes["edge-websocket"];
  await door?.kill();
  await publish("c", 5, 8);
  const again = await read(id, otherUrl());
  await until("the rest has come", () => again.events.length === 6);
  expect(again.values).toEqual(numbers(2, 8));
  await door?.start();
});

it("is told that its edge stops, and goes on at another one", async () => {
  const id = await create("stops");
  const first = await read(id);
  const [, second] = await publish("stops", 0, 5);
  await until("all have come", () => first.events.length === 5);
  first.say({ type: "ack", position: second });
  await until("it is noted", async () => (await status(id))["position"] === second);
  const door = system.processes["edge-websocket"];
  await door?.stop();
  expect(await until("it is told", () => first.closed)).toMatchObject({ code: 1_001 });
  await publish("stops", 5, 8);
  const again = await read(id, otherUrl());
  await until("the rest has come", () => again.events.length === 6);
  expect(again.values).toEqual(numbers(2, 8));
  await door?.start();
});

it("ends when it is removed, and is not for webhooks or for strangers", async () => {
  const id = await create("d");
  const client = await read(id);
  await api.call("DELETE", `namespaces/test/subscriptions/${id}`);
  await until("it is closed", () => client.closed?.code === 4_410);
  const mine = await create("e");
  const { key } = await api.key("read");
  const asked = { type: "subscribe", namespace: "test", subscription: mine };
  const stranger = await Client.saying(system.wsUrl, asked, { key });
  open.push(stranger);
  await until("it is refused", () => stranger.closed?.code === 4_403);
});

describe("a tunnel to a device", () => tunnels(() => ({ system, api, tls, otherUrl: otherUrl() })));
