import { limits } from "@fieldlog/contracts";
import { SOON_MS, type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Api, Client, type Json } from "./client.fixture.js";

let servers: TestServers;
let system: System;
let api: Api;
const open: Client[] = [];

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("websocket");
  system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl, apart: { "edge-websocket": 1 } },
  });
  api = new Api(system);
});
afterEach(() => {
  for (const client of open.splice(0)) client.terminate();
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function subscribe(
  message: Json = {},
  options: { key?: string; protocol?: string } = {},
): Promise<Client> {
  const asked = { namespace: "test", ...message };
  const client = await Client.subscribed(system.wsUrl, asked, { key: system.adminKey, ...options });
  open.push(client);
  return client;
}

async function say(message: Json, options: { key?: string; protocol?: string } = {}): Promise<Client> {
  const client = await Client.saying(system.wsUrl, message, options);
  open.push(client);
  return client;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));
const lights = (from: number, to: number, more: Json = {}) =>
  numbers(from, to).map((value) => ({ name: "light", value, ...more }));

describe("a subscription", () => {
  it.each(["fieldlog.json", "fieldlog.cbor"])("by %s gets what matches, as it happens", async (protocol) => {
    const filter = { names: ["light"], conditions: [{ field: "value", op: ">", value: 1 }] };
    const client = await subscribe({ filter }, { protocol });
    const [, , position] = await api.publish([
      ...lights(1, 3),
      { name: "light", value: 7, data: { a: [1.5] } },
    ]);
    await until("both have come", () => client.events.length === 2);
    expect(client.events).toMatchObject([
      { specversion: "1.0", type: "light", value: "2" },
      { type: "light", value: "7", position, data: { a: [1.5] }, source: expect.stringContaining("/test/") },
    ]);
  });

  it("begins where it is told to: now, at the beginning, behind a position", async () => {
    const positions = await api.publish(lights(0, 700, { place: "cellar" }));
    const filter = { places: ["cellar"] };
    const late = await subscribe({ filter });
    const all = await subscribe({ filter, from: "beginning" });
    const some = await subscribe({ filter, from: positions[9] });
    await api.publish(lights(700, 1_400, { place: "cellar" }));
    await until("all has come", () => [late, all, some].every(({ values }) => values.at(-1) === "1399"));
    expect(late.values).toEqual(numbers(700, 1_400));
    expect(all.values).toEqual(numbers(0, 1_400));
    expect(some.values).toEqual(numbers(10, 1_400));
    const future = { namespace: "test", type: "subscribe", from: Number.MAX_SAFE_INTEGER };
    const refused = await say(future, { key: system.adminKey });
    await until("refused", () => refused.closed?.code === 4_400);
  });

  it("is sent as much as it has credit for", async () => {
    const client = await subscribe({ filter: { places: ["attic"] }, credit: 2 });
    await api.publish(lights(0, 10, { place: "attic" }));
    await until("two have come", () => client.events.length === 2);
    client.say({ type: "credit", credit: 3 });
    await until("five have come", () => client.events.length === 5);
    client.say({ type: "ping" });
    await until("an answer", () => client.of("pong").length === 1);
    expect(client.events).toHaveLength(5);
    client.say({ type: "credit", credit: limits.subscriberCredit });
    await until("all have come", () => client.events.length === 10);
    client.say({ type: "credit", credit: limits.subscriberCredit });
    await until("too much", () => client.of("error").length === 1);
    expect(client.values).toEqual(numbers(0, 10));
    expect(client.closed).toBeUndefined();
  });

  it("of 1,000, of which 10 never read, hinders nobody; these have everything once they read", async () => {
    const filter = { places: ["hall"] };
    const many: Client[] = [];
    for (let i = 0; i < 1_000; i += 50) {
      many.push(...(await Promise.all(Array.from({ length: 50 }, () => subscribe({ filter })))));
    }
    const deaf = many.slice(0, 10);
    for (const client of deaf) client.pause();
    const data = "x".repeat(10_000);
    await api.publish(lights(0, 40, { place: "hall", data }));
    await api.publish(lights(40, 80, { place: "hall", data }));
    await until("the others have all", () => many.slice(10).every(({ values }) => values.length === 80));
    for (const { values } of many.slice(10)) expect(values).toEqual(numbers(0, 80));
    for (const client of deaf) client.resume();
    await until("they have all", () => deaf.every(({ values }) => values.length === 80));
    for (const { values } of deaf) expect(values).toEqual(numbers(0, 80));
  }, 120_000);

  it("goes on from a position when the door was killed", async () => {
    const filter = { places: ["roof"] };
    const first = await subscribe({ filter });
    await api.publish(lights(0, 5, { place: "roof" }));
    await until("five", () => first.events.length === 5);
    const door = system.processes["edge-websocket"];
    await door?.kill();
    await until("it is gone", () => first.closed !== undefined);
    await api.publish(lights(5, 9, { place: "roof" }));
    await door?.start();
    const again = await subscribe({ filter, from: first.events.at(-1)?.["position"] });
    await api.publish(lights(9, 12, { place: "roof" }));
    await until("the rest", () => again.events.length === 7);
    expect([...first.values, ...again.values]).toEqual(numbers(0, 12));
  });
});

describe("publishing", () => {
  it("reaches others, in order, and is answered with positions", async () => {
    const { key } = await api.key("write");
    const listener = await subscribe({ filter: { names: ["door"] } });
    const client = await say({ type: "publish", ref: "a", event: { name: "door", value: 0 } }, { key });
    for (let i = 1; i < 100; i++) client.say({ type: "publish", ref: i, event: { name: "door", value: i } });
    await until("all are answered", () => client.of("published").length === 100);
    await until("all have come", () => listener.events.length === 100);
    expect(listener.values).toEqual(numbers(0, 100));
    expect(client.of("published")[0]).toMatchObject({ ref: "a", position: listener.events[0]?.["position"] });
  });

  it("says what is wrong, and goes on", async () => {
    const { key } = await api.key("read");
    const client = await subscribe({}, { key });
    client.say({ type: "publish", ref: 1, event: { name: "x" } });
    await until("refused", () => client.of("error").length === 1);
    expect(client.of("error")[0]).toMatchObject({ ref: 1, status: 403 });
    const writer = await subscribe();
    writer.say({ type: "publish", ref: 2, event: { nam: "x" } });
    writer.say({ type: "publish", ref: 3, event: { name: "x", device: "nobody" } });
    writer.say({ type: "publish", ref: 4, event: { name: "x", data: "x".repeat(limits.signalBytes) } });
    await until("refused", () => writer.of("error").length === 3);
    expect(writer.of("error").map(({ ref, status }) => [ref, status])).toEqual(
      expect.arrayContaining([
        [2, 400],
        [3, 400],
        [4, 413],
      ]),
    );
    expect([client.closed, writer.closed]).toEqual([undefined, undefined]);
  });
});

describe("who may not", () => {
  it("is refused, and told why", async () => {
    const { key } = await api.key("read");
    const cases: [Json, string | undefined, number][] = [
      [{ type: "subscribe", namespace: "test" }, undefined, 4_401],
      [{ type: "subscribe", namespace: "test", key: "wrong" }, undefined, 4_401],
      [{ type: "subscribe", namespace: "default" }, key, 4_403],
      [{ type: "subscribe", namespace: "nowhere" }, system.adminKey, 4_404],
      [{ type: "subscribe" }, system.adminKey, 4_400],
      [{ type: "subscribe", subscription: "0123456789abcdef" }, key, 4_404],
    ];
    for (const [message, bearer, code] of cases) {
      const client = await say(message, bearer === undefined ? {} : { key: bearer });
      await until("it is closed", () => client.closed !== undefined);
      expect([message, client.closed?.code]).toEqual([message, code]);
      expect(client.of("error")).toHaveLength(1);
    }
    await subscribe({ key }, {});
  });

  it("is told within a second that a key is good no more", async () => {
    const { id, key } = await api.key("read");
    const client = await subscribe({}, { key });
    await api.call("DELETE", `namespaces/test/api-keys/${id}`);
    const revokedAt = Date.now();
    await until("it is closed", () => client.closed?.code === 4_401);
    expect(Date.now() - revokedAt).toBeLessThan(SOON_MS);
    const expires = new Date(Date.now() + 5_000).toISOString();
    const short = await subscribe({}, await api.key("read", { expires }));
    await until("it is closed", () => short.closed?.code === 4_401);
  });
});

describe("what is no message", () => {
  it.each([
    ["{", 1_003],
    [new Uint8Array([1]), 1_003],
    ['"x"', 4_400],
    ['{"type":"dance"}', 4_400],
    ['{"type":"subscribe","namespace":7}', 4_400],
    ['{"type":"subscribe","filter":{"name":["x"]}}', 4_400],
    ['{"type":"subscribe","filter":{},"subscription":"x"}', 4_400],
    [`{"type":"subscribe","filters":[${Array(limits.filtersPerSubscription + 1).fill("{}")}]}`, 4_400],
    [`"${"x".repeat(2 * limits.signalBytes)}"`, 1_009],
  ])("closes the connection: %.60s", async (data, code) => {
    const client = new Client(system.wsUrl, { key: system.adminKey });
    open.push(client);
    await client.open();
    client.sayRaw(data);
    await until("it is closed", () => client.closed !== undefined);
    expect(client.closed?.code).toBe(code);
  });

  it("is refused in CBOR as well", async () => {
    for (const data of ["{}", Uint8Array.of(0xff), Uint8Array.of(0x9f)]) {
      const client = new Client(system.wsUrl, { key: system.adminKey, protocol: "fieldlog.cbor" });
      open.push(client);
      await client.open();
      client.sayRaw(data);
      await until("it is closed", () => client.closed?.code === 1_003);
    }
  });

  it("is no reason to stop: other paths and protocols are refused", async () => {
    const http = system.wsUrl.replace("ws://", "http://");
    expect((await fetch(`${http}/v1/subscribe`)).status).toBe(426);
    expect((await fetch(`${http}/other`)).status).toBe(404);
    const client = new Client(system.wsUrl, { protocol: "mqtt" });
    await until("it is closed", () => client.closed !== undefined);
    const document = (await (await fetch(`${http}/v1/asyncapi.json`)).json()) as Json;
    expect(document["asyncapi"]).toBe("3.0.0");
    const spoken = Object.keys(
      (document["channels"] as { subscribe: { messages: Json } }).subscribe.messages,
    );
    expect(spoken).toEqual(
      expect.arrayContaining(["subscribe", "ack", "credit", "publish", "event", "error"]),
    );
  });
});
