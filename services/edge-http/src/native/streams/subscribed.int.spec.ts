import { CursorRecords } from "@fieldlog/fan-out";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Edge, Neighbours, startEdge } from "../../edge.fixture.js";
import { Listener, report, upTo } from "./streams.fixture.js";

const KEY = "fl_subscriber";
let servers: TestServers;
let neighbours: Neighbours;
let edge: Edge;
let id: string;
let listeners: Listener[];

beforeAll(async () => {
  servers = await startServers({ syncAlways: false });
});
afterAll(() => servers?.stop());
beforeEach(async () => {
  neighbours = await Neighbours.start(servers.nats.url);
  const owner = `key:${neighbours.addKey(KEY, "read")}`;
  edge = await startEdge(servers.nats.url, neighbours);
  const after = BigInt(await report(neighbours.log, 0));
  id = neighbours.subscribe({ owner, after, delivery: "stream", filters: [{ names: ["tick"] }] });
  listeners = [];
});
afterEach(async () => {
  for (const listener of listeners) listener.close();
  await edge.stop();
  await neighbours.stop();
});

const publish = (n: number) => report(neighbours.log, n);
const urlOf = (query = "") => `${edge.url}/v1/namespaces/test/events/stream?subscription=${id}${query}`;
const open = async () => {
  const listener = new Listener(urlOf(), KEY);
  listeners.push(listener);
  await until("the stream is open", () => listener.isOpen);
  return listener;
};

/** Waits until the edge has noted that nobody listens. */
async function released(): Promise<void> {
  const records = await CursorRecords.open(neighbours.log.connection, 1);
  await until("it is noted", async () => (await records.get("test", id))?.connected === false);
  await records.close();
}

describe("a stream of a durable subscription", () => {
  it("goes on where the one before ended, with a new client that knows nothing", async () => {
    const first = await open();
    for (const n of upTo(5)) await publish(n);
    await until("five are heard", () => first.heard.length === 5);
    first.close();
    await released();
    for (const n of upTo(5)) await publish(5 + n);
    const second = await open();
    await until("the rest is heard", () => second.numbers.at(-1) === 9);
    expect(second.numbers).toEqual([5, 6, 7, 8, 9]);
  });

  it("goes back to Last-Event-ID where its client says what it has", async () => {
    const first = await open();
    for (const n of upTo(5)) await publish(n);
    await until("five are heard", () => first.heard.length === 5);
    first.close();
    const headers = { "last-event-id": String(first.heard[1]?.id) };
    const second = new Listener(urlOf(), KEY, headers);
    listeners.push(second);
    await until("it has the rest", () => second.heard.length === 3);
    expect(second.numbers).toEqual([2, 3, 4]);
  });

  it("ends when another opens it, and when the subscription is removed", async () => {
    const first = await open();
    const sent = first.sentIds.length;
    await open();
    await until("the first one lost it, and came back", () => first.sentIds.length > sent);
    first.close();
    await neighbours.unsubscribe(id);
    await until("nobody is let in", () => listeners.every(({ isClosed }) => isClosed));
    expect(listeners[1]?.answers.at(-1)).toBe(404);
  });

  it.each([
    ["&from=now", 400],
    ["&names=a", 400],
    ["&filter={}", 400],
  ])("goes alone: %s", async (query, status) => {
    const response = await fetch(urlOf(query), { headers: { authorization: `Bearer ${KEY}` } });
    expect(response.status).toBe(status);
  });
});
