import { connect, type Socket } from "node:net";
import { limits } from "@fieldlog/contracts";
import { SOON_MS, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Edge, Neighbours, startEdge } from "../../edge.fixture.js";
import { Listener, report, upTo } from "./streams.fixture.js";

const KEY = "fl_streams";
let servers: TestServers;
let neighbours: Neighbours;
let edge: Edge;
let listeners: Listener[];

beforeAll(async () => {
  servers = await startServers({ syncAlways: false });
});
afterAll(() => servers?.stop());
beforeEach(async () => {
  neighbours = await Neighbours.start(servers.nats.url);
  neighbours.addKey(KEY, "read");
  edge = await startEdge(servers.nats.url, neighbours);
  listeners = [];
});
afterEach(async () => {
  for (const listener of listeners) listener.close();
  await edge.stop();
  await neighbours.stop();
});

const urlOf = (query = "") => `${edge.url}/v1/namespaces/test/events/stream${query}`;
const open = async (query = "", key = KEY, headers: Record<string, string> = {}) => {
  const listener = new Listener(urlOf(query), key, headers);
  listeners.push(listener);
  await until("the stream is open", () => listener.isOpen);
  return listener;
};
const publish = (n: number, event = {}, device = "d1") => report(neighbours.log, n, event, device);
const get = (query: string, headers: Record<string, string> = {}) =>
  fetch(urlOf(query), { headers: { authorization: `Bearer ${KEY}`, ...headers } });
const openStreams = async () => {
  const metrics = await edge.metrics();
  return Number(/^fieldlog_http_event_streams (\d+)$/m.exec(metrics)?.[1]);
};

describe("a stream of events", () => {
  it("has what is reported from now on, in the log's order, as CloudEvents", async () => {
    await publish(99);
    const response = await get("");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    const read = async (pattern: RegExp) => {
      while (!pattern.test(text)) text += Buffer.from((await reader.read()).value ?? []).toString();
    };
    await read(/^retry: 1000\nid: \d+\n\n/);
    const position = await publish(0, { action: "on", value: "7", place: "hall" });
    await read(/}\n\n$/);
    const [head, block] = text.split(/(?<=id: \d+\n\n)/);
    expect(head).toMatch(/^retry: 1000\nid: \d+\n\n$/);
    const [id, type, data] = (block ?? "").split("\n");
    expect([id, type]).toEqual([`id: ${position}`, "event: event"]);
    expect(JSON.parse((data ?? "").replace("data: ", ""))).toMatchObject({
      ...{ specversion: "1.0", id: "e0", type: "tick", position, data: { n: 0 } },
      ...{ device: "d1", action: "on", value: "7", place: "hall" },
    });
    await reader.cancel();
    await until("the stream is gone", async () => (await openStreams()) === 0);
  });

  it("is one line for each event, however its data was written", async () => {
    const listener = await open();
    await publish(0, { data: Buffer.from('{\r\n  "n": 1,\r  "text": "a\\nb"\n}') });
    await until("it is heard", () => listener.heard.length === 1);
    expect(listener.numbers).toEqual([1]);
  });

  it("begins where it is asked to: at the beginning, behind a position, behind Last-Event-ID", async () => {
    const before = await publish(0);
    const middle = await publish(1);
    await publish(2);
    const all = await open("?from=beginning");
    const later = await open(`?from=${before}`);
    const resumed = await open("?from=beginning", KEY, { "last-event-id": String(middle) });
    const own = (listener: Listener) => listener.heard.filter(({ id }) => Number(id) >= before);
    await until("all are heard", () => own(all).length === 3 && own(later).length === 2);
    await until("the rest is heard", () => resumed.heard.length === 1);
    expect(own(all).map(({ n }) => n)).toEqual([0, 1, 2]);
    expect(own(later).map(({ n }) => n)).toEqual([1, 2]);
    expect(resumed.numbers).toEqual([2]);
  });

  it("has what a filter chooses, given as JSON or as simple parameters", async () => {
    const filter = { conditions: [{ field: "data.n", op: "<", value: 3 }], actions: ["on"] };
    const filters = `?filter=${encodeURIComponent(JSON.stringify(filter))}&filter={"devices":["d2"]}`;
    const json = await open(filters);
    const simple = await open("?names=a*&names=b&devices=d1");
    await publish(1, { name: "apple", action: "on" });
    await publish(2, { name: "b" });
    await publish(3, { name: "bc", action: "on" });
    await publish(4, { name: "b" }, "d2");
    const end = await publish(5, { name: "b", action: "on" });
    await until("both have all", () => simple.heard.at(-1)?.id === String(end) && json.heard.length === 2);
    expect(json.numbers).toEqual([1, 4]);
    expect(simple.numbers).toEqual([1, 2, 5]);
  });

  it("has the one in a hundred that match, behind many that do not", async () => {
    const from = await publish(0, { name: "first" });
    await Promise.all(upTo(3_000).map((n) => publish(n, { name: n % 100 === 0 ? "rare" : "common" })));
    const late = await open(`?names=rare&from=${from}`);
    await until("the log is read", () => late.heard.length === 30);
    await Promise.all(upTo(500).map((n) => publish(n, { name: n % 100 === 0 ? "rare" : "common" })));
    await until("what comes is heard", () => late.heard.length === 35);
    const ids = late.heard.map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(35);
  });
});

describe("a stream ends", () => {
  it("within a second of the revocation of its key, and is refused from then on", async () => {
    neighbours.addKey("fl_other", "read");
    const [listener, other] = [await open(), await open("", "fl_other")];
    const begin = Date.now();
    await neighbours.revokeKey(KEY);
    await until("the client is refused", () => listener.isClosed);
    expect(Date.now() - begin).toBeLessThan(SOON_MS);
    expect(listener.answers).toEqual([200, 401]);
    expect(other.isOpen).toBe(true);
    expect(await openStreams()).toBe(1);
  });

  it("when its key expires", async () => {
    neighbours.addKey("fl_short", "read", "", Date.now() + 5_000);
    const listener = await open("", "fl_short");
    await until("the client is refused", () => listener.isClosed);
    expect(listener.answers).toEqual([200, 401]);
  });

  it("in order when the server stops, and goes on behind its last event on the next one", async () => {
    const port = edge.port;
    const listener = await open();
    for (const n of upTo(5)) await publish(n);
    await until("five are heard", () => listener.heard.length === 5);
    const begin = Date.now();
    await edge.stop();
    expect(Date.now() - begin).toBeLessThan(SOON_MS);
    for (const n of upTo(5)) await publish(5 + n);
    edge = await startEdge(servers.nats.url, neighbours, { httpPort: port });
    await publish(10);
    await until("all are heard", () => listener.heard.length >= 11);
    expect(listener.numbers).toEqual(upTo(11));
    expect(listener.sentIds.at(-1)).toBe(listener.heard[4]?.id);
  });
});

describe("a socket that does not read", () => {
  const raw = (query: string) =>
    new Promise<Socket>((resolve) => {
      const socket = connect(edge.port, "127.0.0.1", () => {
        const head = `GET /v1/namespaces/test/events/stream${query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\n\r\n`;
        socket.write(head);
        resolve(socket);
      });
    });

  it("makes its cursor wait, hinders nobody, and gets all once it reads", async () => {
    const from = await publish(0, { name: "start" });
    const lazy = await raw(`?from=${from}`);
    await until("it is open", async () => (await openStreams()) === 1);
    lazy.pause();
    const quick = await open(`?from=${from}`);
    const text = "x".repeat(64 * 1024);
    const count = 256;
    for (const n of upTo(count)) await publish(n, { data: Buffer.from(JSON.stringify({ n, text })) });
    await until("the other has all", () => quick.heard.length === count);
    expect(quick.numbers).toEqual(upTo(count));
    const numbers: number[] = [];
    let rest = "";
    lazy.on("data", (chunk) => {
      rest += chunk.toString("latin1");
      // A chunk of HTTP may end anywhere, so only what cannot be cut is looked for: the number in the data.
      for (const match of rest.matchAll(/"n":(\d+),"text"/g)) numbers.push(Number(match[1]));
      rest = rest.slice(Math.max(rest.lastIndexOf('"n":'), rest.length - 64)).replace(/^"n":\d+,"text"/, "");
    });
    lazy.resume();
    await until("the lazy one has all", () => numbers.length >= count);
    expect(numbers).toEqual(upTo(count));
    lazy.destroy();
    await until("it is gone", async () => (await openStreams()) === 1);
  });
});

describe("a stream that is not right", () => {
  it.each([
    ["?from=yesterday", "from"],
    ["?from=-1", "from"],
    ["?color=red", "color"],
    ["?filter=%7B", "filter"],
    ['?filter={"nmaes":["a"]}', "nmaes"],
    ['?filter={"area":{"circle":{"latitude":100}}}', "filter.area"],
    ["?names=", "names"],
    ["?filter={}&names=a", "names"],
    [`?${"filter={}&".repeat(limits.filtersPerSubscription + 1)}`, "filter"],
  ])("is refused before it begins: %s", async (query, field) => {
    const response = await get(query);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const { errors } = (await response.json()) as { errors: { field: string }[] };
    expect(errors[0]?.field).toContain(field);
  });

  it("is refused with a Last-Event-ID that is no position, without a key, and in another's namespace", async () => {
    expect((await get("", { "last-event-id": "e7" })).status).toBe(400);
    expect((await get("", { authorization: "Bearer nobody" })).status).toBe(401);
    neighbours.addKey("fl_elsewhere", "read", "other");
    expect((await get("", { authorization: "Bearer fl_elsewhere" })).status).toBe(403);
    expect(await openStreams()).toBe(0);
  });

  it("answers HEAD with its head alone", async () => {
    const response = await fetch(urlOf(), { method: "HEAD", headers: { authorization: `Bearer ${KEY}` } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(await openStreams()).toBe(0);
  });
});
