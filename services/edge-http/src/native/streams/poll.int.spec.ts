import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Edge, Neighbours, startEdge } from "../../edge.fixture.js";
import { report, upTo } from "./streams.fixture.js";

const KEY = "fl_poller";
let servers: TestServers;
let neighbours: Neighbours;
let edge: Edge;
let keyId: string;
let id: string;

beforeAll(async () => {
  servers = await startServers({ syncAlways: false });
});
afterAll(() => servers?.stop());
beforeEach(async () => {
  neighbours = await Neighbours.start(servers.nats.url);
  keyId = neighbours.addKey(KEY, "read");
  edge = await startEdge(servers.nats.url, neighbours);
  id = await subscribe();
});
afterEach(async () => {
  await edge.stop();
  await neighbours.stop();
});

const publish = (n: number, event = {}) => report(neighbours.log, n, event);
/** A subscription from now on. */
const subscribe = async (more = {}) =>
  neighbours.subscribe({ owner: `key:${keyId}`, after: BigInt(await publish(0)), ...more });

interface Answer {
  status: number;
  numbers: number[];
  next: number;
}

async function poll(query = "", subscription = id, key = KEY): Promise<Answer> {
  const url = `${edge.url}/v1/namespaces/test/subscriptions/${subscription}/events${query}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
  const { status } = response;
  const { events = [], next = -1 } = (await response.json()) as {
    events?: { data: { n: number } }[];
    next?: number;
  };
  return { status, next, numbers: events.map(({ data }) => data.n) };
}

/** Asks, and resolves when the edge waits for an event to answer with. */
async function begun(query: string): Promise<{ answer: Promise<Answer> }> {
  const answer = poll(query);
  await until("it waits", async () => {
    const metrics = await edge.metrics();
    return metrics.includes("fieldlog_http_event_streams 1");
  });
  return { answer };
}

describe("polling a subscription", () => {
  it("gives what came, until it is acknowledged, and then what came after", async () => {
    for (const n of [1, 2, 3]) await publish(n);
    const first = await poll("?wait=1000");
    expect(first).toMatchObject({ status: 200, numbers: [1, 2, 3] });
    expect((await poll("?wait=1000")).numbers).toEqual([1, 2, 3]);
    const second = await poll(`?after=${first.next}`);
    expect(second.numbers).toEqual([]);
    const last = await publish(4);
    const third = await poll(`?after=${second.next}&wait=1000`);
    expect(third.numbers).toEqual([4]);
    expect(third.next).toBeGreaterThanOrEqual(last);
    expect((await poll("?wait=0")).numbers).toEqual([4]);
  });

  it("waits for the first event, and not for more", async () => {
    const begin = Date.now();
    const { answer } = await begun("?wait=30000");
    await publish(7);
    expect((await answer).numbers).toEqual([7]);
    expect(Date.now() - begin).toBeLessThan(25_000);
  });

  it("ends with nothing when the wait is over, and the cursor has moved all the same", async () => {
    const quiet = await subscribe({ filters: [{ names: ["never"] }] });
    const last = await publish(1);
    const { next, ...nothing } = await poll("?wait=300", quiet);
    expect(nothing).toEqual({ status: 200, numbers: [] });
    expect(next).toBeGreaterThanOrEqual(last);
  });

  it("gives as many as it is asked for at once, all of them in the end, in the log's order", async () => {
    await Promise.all(upTo(1_000).map((n) => publish(n)));
    const heard: number[] = [];
    let after = "";
    while (heard.length < 1_000) {
      const { numbers, next } = await poll(`?limit=70&wait=1000${after}`);
      expect(numbers.length).toBeLessThanOrEqual(70);
      heard.push(...numbers);
      after = `&after=${next}`;
    }
    expect(heard).toEqual(upTo(1_000));
  });

  it("finds the one in a hundred that match, question by question", async () => {
    const rare = await subscribe({ filters: [{ names: ["rare"] }] });
    await Promise.all(upTo(2_000).map((n) => publish(n, { name: n % 100 === 7 ? "rare" : "common" })));
    const heard: number[] = [];
    let after = "";
    await until("all are found", async () => {
      const { numbers, next } = await poll(`?limit=3${after}`, rare);
      heard.push(...numbers);
      after = `&after=${next}`;
      return heard.length >= 20;
    });
    expect(heard).toEqual(upTo(20).map((i) => 7 + i * 100));
  });

  it("goes on, on another edge, behind what was acknowledged", async () => {
    for (const n of [1, 2, 3]) await publish(n);
    const { next } = await poll("?limit=2&wait=1000");
    await poll(`?after=${next}`);
    await edge.stop();
    await publish(4);
    edge = await startEdge(servers.nats.url, neighbours);
    expect((await poll("?wait=1000")).numbers).toEqual([3, 4]);
  });

  it("gives the subscription to the edge that is asked last", async () => {
    const other = await startEdge(servers.nats.url, neighbours);
    const { answer } = await begun("?wait=30000");
    const url = `${other.url}/v1/namespaces/test/subscriptions/${id}/events?wait=1`;
    const second = await fetch(url, { headers: { authorization: `Bearer ${KEY}` } });
    expect([second.status, (await answer).status]).toEqual([200, 409]);
    await other.stop();
  });
});

describe("a question for a subscription's events ends", () => {
  it("when its key is revoked", async () => {
    const { answer } = await begun("?wait=20000");
    await neighbours.revokeKey(KEY);
    expect((await answer).status).toBe(401);
  });

  it("when its subscription is removed while the question comes in", async () => {
    const answer = poll("?wait=20000");
    await until("it was looked up", () => (neighbours.calls["getSubscription"] ?? 0) > 0);
    await neighbours.unsubscribe(id);
    expect((await answer).status).toBe(404);
  });

  it("when its subscription is removed", async () => {
    const { answer } = await begun("?wait=20000");
    await neighbours.unsubscribe(id);
    expect((await answer).status).toBe(404);
    expect((await poll()).status).toBe(404);
  });

  it("with what there is when the server stops", async () => {
    const { answer } = await begun("?wait=20000");
    await edge.stop();
    expect(await answer).toMatchObject({ status: 200, numbers: [] });
  });
});

describe("a question that is not right", () => {
  it.each(["?limit=0", "?limit=1001", "?wait=30001", "?wait=-1", "?after=x", "?color=red"])(
    "is refused: %s",
    async (query) => {
      expect((await poll(query)).status).toBe(400);
    },
  );

  it("is refused when it acknowledges what is not there yet", async () => {
    expect((await poll(`?after=${Number.MAX_SAFE_INTEGER}`)).status).toBe(400);
  });

  it("is refused of a subscription that does not exist, of another's, and of a webhook", async () => {
    expect((await poll("", "0123456789abcdef")).status).toBe(404);
    neighbours.addKey("fl_stranger", "read");
    expect((await poll("", id, "fl_stranger")).status).toBe(403);
    neighbours.addKey("fl_writer", "write");
    expect((await poll("", id, "fl_writer")).status).toBe(200);
    expect((await poll("", await subscribe({ delivery: "webhook" }))).status).toBe(409);
  });
});
