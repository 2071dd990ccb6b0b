import { limits } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { append, numbers, scene, TestClient } from "./edge.fixture.js";
import { QuotaExceeded, SessionLost } from "./errors.js";
import { SessionQuota } from "./session-quota.js";
import { SessionStore } from "./store.js";

const { edge, namespace, servers } = scene();
const goes = { publishWill: false };

describe("a session that outlives its connection", () => {
  it("goes on from its cursor, on any edge", async () => {
    const one = await edge();
    const client = await new TestClient().connect(one.sessions, namespace());
    expect(client.present).toBe(false);
    await client.subscribe("a/#", { id: 3 });
    await append(one.log, namespace(), "a/1", "0");
    await client.gets(1);
    await client.session.close(goes);
    for (const n of numbers(20, 1)) await append(one.log, namespace(), "a/1", n);
    const two = await edge();
    const again = await new TestClient().connect(two.sessions, namespace());
    expect(again.present).toBe(true);
    expect(await again.gets(20)).toEqual(numbers(20, 1));
    expect(again.got[0]).toMatchObject({ dup: false, subscriptionIds: [3] });
    await append(one.log, namespace(), "a/1", "live");
    expect((await again.gets(21)).at(-1)).toBe("live");
  });

  it("is begun anew by a clean start, and is gone when it has expired", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("#");
    await client.session.close(goes);
    await append(log, namespace(), "a", "1");
    const clean = await new TestClient().connect(sessions, namespace(), { cleanStart: true });
    expect(clean.present).toBe(false);
    await clean.subscribe("#");
    await clean.session.close({ ...goes, expiryS: 1 });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const late = await new TestClient().connect(sessions, namespace(), { expiryS: 0 });
    expect(late.present).toBe(false);
    await late.session.close(goes);
    expect((await new TestClient().connect(sessions, namespace())).present).toBe(false);
    expect(clean.got).toEqual([]);
  });

  it("is forgotten when its namespace was cleared or its device erased, unless it is a key's or in use", async () => {
    const { sessions } = await edge();
    const store = await SessionStore.open((await edge()).log.connection, 1);
    const left = async () => {
      const found: string[] = [];
      for await (const one of store.all(() => undefined)) {
        if (one.namespace === namespace()) found.push(one.clientId);
      }
      return found.sort();
    };
    for (const [clientId, principal] of [
      ["a", "device:a"],
      ["b", "device:b"],
      ["k", "key:1"],
    ] as const) {
      const client = await new TestClient().connect(sessions, namespace(), { clientId, principal });
      await client.subscribe("#");
      await client.session.close(goes);
    }
    const used = await new TestClient().connect(sessions, namespace(), {
      clientId: "u",
      principal: "device:u",
    });
    await used.subscribe("#");
    sessions.forget("elsewhere", "");
    sessions.forget(namespace(), "a");
    await until("a's is forgotten", async () => (await left()).join("") === "bku");
    sessions.forget(namespace(), "");
    await until("all but the key's and the one in use", async () => (await left()).join("") === "ku");
    await used.session.close(goes);
    sessions.forget(namespace(), "");
    await until("it is forgotten too", async () => (await left()).join("") === "k");
  });

  it("sends again what was not acknowledged, with its packet ids, before anything else", async () => {
    const one = await edge();
    const client = new TestClient();
    client.acknowledges = false;
    await client.connect(one.sessions, namespace());
    await client.subscribe("#", { qos: 2 });
    for (const [i, n] of numbers(5).entries())
      await append(one.log, namespace(), "a", n, { qos: i === 3 ? 1 : 2 });
    await client.gets(5);
    const ids = client.got.map(({ packetId = 0 }) => packetId);
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0] = ids;
    client.session.received(first, false);
    client.session.received(second, false);
    await until("they are released", () => client.released.length === 2);
    client.session.completed(first);
    await client.session.close(goes);
    await append(one.log, namespace(), "a", "5");
    const again = new TestClient();
    again.acknowledges = false;
    await again.connect((await edge()).sessions, namespace());
    expect(await again.gets(4)).toEqual(["2", "3", "4", "5"]);
    expect(again.released).toEqual([second]);
    expect(again.got.map(({ packetId, dup }) => [packetId, dup]).slice(0, 3)).toEqual([
      [third, true],
      [fourth, true],
      [fifth, true],
    ]);
    expect(again.got[3]).toMatchObject({ dup: false });
    expect([second, third, fourth, fifth]).not.toContain(again.got[3]?.packetId);
  });

  it("gets all 20,000 messages that came while it was away and everything was killed, in order", async () => {
    let now = await edge();
    const client = await new TestClient().connect(now.sessions, namespace());
    await client.subscribe("a/+");
    await append(now.log, namespace(), "a/1", "first");
    await client.gets(1);
    await now.abandon();
    const sent = numbers(20_000);
    now = await edge();
    for (let i = 0; i < sent.length; i += 500) {
      await Promise.all(sent.slice(i, i + 500).map((n) => append(now.log, namespace(), "a/1", n)));
      await append(now.log, `${namespace()}-other`, "a/1", "of another");
    }
    await now.abandon();
    await servers().nats.kill();
    await servers().nats.start();
    now = await edge();
    const again = await new TestClient().connect(now.sessions, namespace());
    expect(again.present).toBe(true);
    await until("all have come", () => again.payloads.at(-1) === "19999");
    // QoS 1: the last one before the crash may have come again.
    expect(again.payloads.filter((payload) => payload !== "first")).toEqual(sent);
  });

  it("whose record another edge has written is given up with the next write", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("#");
    // As an edge does that was not answered in time.
    const store = await SessionStore.open(log.connection, 1);
    const stored = await store.get({ namespace: namespace(), clientId: "client" });
    if (stored === undefined) throw new Error("there is no record");
    await store.write(stored, { ...stored.record, owner: "another" }, stored.revision);
    await append(log, namespace(), "a", "x");
    await until("it is ended", () => client.ended === "taken-over");
    await expect(client.subscribe("b")).rejects.toBeInstanceOf(SessionLost);
    expect((await store.get(stored))?.record.owner).toBe("another");
    expect(sessions.state().connected).toBe(0);
  });

  it("goes on after a write of its own of which its edge did not hear, and its will is not published", async () => {
    const { log, sessions, wills } = await edge();
    const store = await SessionStore.open(log.connection, 1);
    const unheard = async (clientId: string) => {
      const stored = await store.get({ namespace: namespace(), clientId });
      if (stored !== undefined) await store.write(stored, stored.record, stored.revision);
    };
    const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false, delayS: 0 } as const;
    const client = await new TestClient().connect(sessions, namespace(), { will });
    await unheard("client");
    await client.subscribe("#");
    await append(log, namespace(), "a", "0");
    await client.gets(1);
    await unheard("client");
    await client.session.close(goes);
    const again = await new TestClient().connect(sessions, namespace(), { will });
    expect([client.ended, again.present, wills]).toEqual([undefined, true, []]);
  });

  it("keeps what was in flight, and its place, where only servers that are behind can be asked", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("#", { qos: 2 });
    await append(log, namespace(), "a", "0", { qos: 2 });
    await until("it is released", () => client.released.length === 1);
    client.acknowledges = false;
    await append(log, namespace(), "a", "1", { qos: 2 });
    await client.gets(2);
    await client.session.close(goes);
    const behind = await edge();
    behind.log.lastSequence = async () => 1;
    const { get } = behind.log;
    behind.log.get = () => Promise.reject(new LogUnavailable("it has not come there yet"));
    const early = await new TestClient().connect(behind.sessions, namespace());
    await until("it is ended", () => early.ended === "internal");
    behind.log.get = get;
    const again = await new TestClient().connect(behind.sessions, namespace());
    await append(log, namespace(), "a", "2", { qos: 2 });
    expect(await again.gets(2)).toEqual(["1", "2"]);
    expect(again.got[0]).toMatchObject({ dup: true, packetId: client.got[1]?.packetId });
    expect(early.got).toEqual([]);
  });

  it("goes on by itself when NATS was away", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("#", { qos: 2 });
    await append(log, namespace(), "a", "0", { qos: 2 });
    await client.gets(1);
    await servers().nats.kill();
    await expect(client.subscribe("other")).rejects.toBeInstanceOf(LogUnavailable);
    const refused = new TestClient().connect(sessions, namespace(), { clientId: "new" });
    await expect(refused).rejects.toBeInstanceOf(LogUnavailable);
    await servers().nats.start();
    await until("the log is back", async () => append(log, namespace(), "a", "1", { qos: 2 }));
    await client.gets(2);
    await new TestClient().connect(sessions, namespace(), { clientId: "new" });
    await client.session.close(goes);
    await append(log, namespace(), "a", "2");
    const again = await new TestClient().connect((await edge()).sessions, namespace());
    await until("all have come", () => new Set([...client.payloads, ...again.payloads]).size === 3);
    expect(client.ended).toBeUndefined();
  });

  it("has subscriptions that nobody made from the time on that its client is known, and through a crash", async () => {
    const one = await edge();
    await append(one.log, namespace(), "to/d", "of another before it");
    await new Promise((resolve) => setTimeout(resolve, 50));
    const registered = Date.now();
    for (const n of numbers(3)) await append(one.log, namespace(), "to/d", n);
    const plain = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const;
    const implicit = { requests: [{ filter: "to/d", ...plain }], since: async () => registered };
    const kept = { implicit, expiryS: limits.mqttSessionS };
    const first = await new TestClient().connect(one.sessions, namespace(), kept);
    expect([first.present, await first.gets(3)]).toEqual([false, numbers(3)]);
    await append(one.log, namespace(), "to/d", "3");
    await first.gets(4);
    await one.abandon();
    const [two, three] = [await edge(), await edge()];
    await append(two.log, namespace(), "to/d", "4");
    const second = await new TestClient().connect(two.sessions, namespace(), kept);
    // QoS 1: the last one before the crash may come again.
    await until("what came meanwhile", () => second.payloads.at(-1) === "4");
    expect(second.present).toBe(true);
    const third = await new TestClient().connect(three.sessions, namespace(), kept);
    expect(second.ended).toBe("taken-over");
    await append(two.log, namespace(), "to/d", "5");
    expect(await third.gets(1)).toEqual(["5"]);
    expect(second.payloads.at(-1)).toBe("4");
    const others = [
      { ...kept, clientId: "clean", cleanStart: true },
      { ...kept, clientId: "short", expiryS: 3600 },
    ];
    for (const options of others) {
      const client = await new TestClient().connect(two.sessions, namespace(), options);
      await append(two.log, namespace(), "to/d", "now");
      expect(await client.gets(1)).toEqual(["now"]);
    }
  });

  it("is one of a bounded number, with a bounded number of subscriptions", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    const requests = (count: number) =>
      numbers(count).map((filter) => ({
        ...{ filter, qos: 0 as const, noLocal: false, retainAsPublished: false, retainHandling: 2 as const },
      }));
    await client.session.subscribe(requests(limits.mqttSubscriptions));
    await expect(client.subscribe("more")).rejects.toBeInstanceOf(QuotaExceeded);
    await client.subscribe("7");
    const store = await SessionStore.open(log.connection, 1);
    await new SessionQuota(store, 100).check(namespace());
    await expect(new SessionQuota(store, 1).check(namespace())).rejects.toBeInstanceOf(QuotaExceeded);
    // Another namespace may have one still.
    await new SessionQuota(store, 1).check("another");
  });
});
