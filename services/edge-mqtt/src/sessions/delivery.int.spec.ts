import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { append, numbers, scene, TestClient } from "./edge.fixture.js";
import type { RetainedPage } from "./retained.js";

const { edge, namespace } = scene();

describe("deliveries", () => {
  it("come in the log's order, of what was published after the subscription", async () => {
    const { log, sessions } = await edge();
    await append(log, namespace(), "a/b", "before");
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("a/+");
    await append(log, namespace(), "c", "elsewhere");
    await append(log, `${namespace()}-other`, "a/b", "of another namespace");
    await Promise.all(numbers(500).map((n) => append(log, namespace(), "a/b", n)));
    expect(await client.gets(500)).toEqual(numbers(500));
    expect(sessions.counts.catchUpReads).toBe(0);
    expect(sessions.state()).toMatchObject({ connected: 1, behind: 0, lag: 0, inFlight: 0 });
  });

  it("are one for overlapping subscriptions, by the rules of each", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace(), { clientId: "me" });
    await client.subscribe("a/#", { qos: 0, id: 1 });
    await client.subscribe("a/b", { qos: 2, id: 2 });
    await client.subscribe("own", { noLocal: true });
    await append(log, namespace(), "own", "mine", { clientId: "me" });
    await append(log, namespace(), "a/b", "x", { qos: 1, retain: true });
    await append(log, namespace(), "own", "theirs");
    expect(await client.gets(2)).toEqual(["x", "theirs"]);
    expect(client.got[0]).toMatchObject({ qos: 1, retain: false, dup: false });
    expect([...(client.got[0]?.subscriptionIds ?? [])].sort()).toEqual([1, 2]);
  });

  it("end with UNSUBSCRIBE, go on with the same filter subscribed anew, and leave out what has expired", async () => {
    const { log, sessions } = await edge();
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("a", { qos: 1 });
    await client.subscribe("a", { qos: 0 });
    await append(log, namespace(), "a", "old", { expiresAt: Date.now() - 1 });
    await append(log, namespace(), "a", "1", { expiresAt: Date.now() + 60_000 });
    await client.gets(1);
    expect(client.got[0]?.qos).toBe(0);
    expect(await client.session.unsubscribe(["a", "b"])).toEqual([true, false]);
    await append(log, namespace(), "a", "2");
    await client.subscribe("a");
    await append(log, namespace(), "a", "3");
    expect(await client.gets(2)).toEqual(["1", "3"]);
    expect(sessions.counts.expired).toBe(1);
  });

  it("wait for a slow client, which slows nobody else and loses nothing", async () => {
    const { log, sessions } = await edge();
    const slow = new TestClient();
    slow.room = 3;
    await slow.connect(sessions, namespace(), { clientId: "slow", receiveMaximum: 10 });
    const fast = await new TestClient().connect(sessions, namespace(), { clientId: "fast" });
    await slow.subscribe("#", { qos: 0 });
    await fast.subscribe("#");
    const big = "x".repeat(2_000);
    const sent = numbers(5_000).map((n) => n + big);
    await Promise.all(sent.map((payload) => append(log, namespace(), "t", payload)));
    await fast.gets(5_000);
    expect(slow.got).toHaveLength(3);
    expect(sessions.state().behind).toBe(1);
    // Far behind: it reads the log. Then its socket is full now and then.
    while (slow.got.length < 5_000) {
      const before = slow.got.length;
      slow.room = 400;
      slow.session.writable();
      await until("it gets more", () => slow.got.length > before);
    }
    expect(slow.payloads).toEqual(sent);
    expect(fast.payloads).toEqual(sent);
    expect(sessions.counts.catchUpReads).toBeGreaterThan(0);
    await until("it is up to date", () => sessions.state().behind === 0);
  });

  it("keep within the client's window, and go on with each acknowledgment", async () => {
    const { log, sessions } = await edge();
    const client = new TestClient();
    client.acknowledges = false;
    await client.connect(sessions, namespace(), { receiveMaximum: 2 });
    await client.subscribe("#", { qos: 2 });
    for (const n of numbers(6)) await append(log, namespace(), "t", n, { qos: n === "3" ? 2 : 1 });
    await client.gets(2);
    expect(client.session.acked(client.got[1]?.packetId ?? 0)).toBe(true);
    expect(client.session.acked(client.got[1]?.packetId ?? 0)).toBe(false);
    await client.gets(3);
    client.session.acked(client.got[0]?.packetId ?? 0);
    await client.gets(4);
    client.session.acked(client.got[2]?.packetId ?? 0);
    await client.gets(5);
    // QoS 2: room only after the whole exchange.
    const second = client.got[3]?.packetId ?? 0;
    expect(client.session.completed(second)).toBe(false);
    client.session.received(second, false);
    await until("it is released", () => client.released.length === 1);
    expect(client.got).toHaveLength(5);
    expect(client.session.completed(second)).toBe(true);
    expect(await client.gets(6)).toEqual(numbers(6));
  });

  it("of retained messages come on subscribe, as the read model knows them, tried again until it does", async () => {
    const asked: string[] = [];
    let away = 2;
    const { log, sessions } = await edge(async (_namespace, filter, atLeast, after) => {
      asked.push(`${filter} ${after}`);
      if (away-- > 0) throw new Error("away");
      expect(atLeast).toBeGreaterThan(0);
      const message = (topic: string, position: number) => ({
        ...{ qos: 2 as const, clientId: "publisher" },
        message: {
          ...{ topic, position, payload: Buffer.from(topic) },
          publication: {
            ...{ utf8: false, contentType: "", responseTopic: "", correlationData: new Uint8Array() },
            ...{ userProperties: [], expiresAt: undefined },
          },
        },
      });
      if (after === "") return { messages: [message("a", 1), message("new", 1e15)], next: "new" };
      return { messages: [message("z", 2)], next: "" };
    });
    await append(log, namespace(), "z", "z", { retain: true });
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("#", { id: 5 });
    expect(await client.gets(2)).toEqual(["a", "z"]);
    expect(client.got[0]).toMatchObject({ qos: 1, retain: true, subscriptionIds: [5] });
    expect(asked).toEqual(["# ", "# ", "# ", "# new"]);
    // 1: only with a new subscription; 2: never.
    await client.subscribe("#", { retainHandling: 1 });
    await client.subscribe("b", { retainHandling: 2 });
    await client.subscribe("c", { retainHandling: 1 });
    await client.gets(4);
    expect(asked.slice(4)).toEqual(["c ", "c new"]);
  });

  it("of a retained message does not follow that of the one which replaced it", async () => {
    let answer: (page: RetainedPage) => void = () => undefined;
    const { log, sessions } = await edge(() => new Promise((resolve) => (answer = resolve)));
    await append(log, namespace(), "a", "old", { retain: true });
    const client = await new TestClient().connect(sessions, namespace());
    await client.subscribe("#");
    await append(log, namespace(), "a", "new", { retain: true });
    await append(log, namespace(), "b", "not to be retained");
    await client.gets(2);
    const retained = (topic: string, position: number) => ({
      ...{ qos: 1 as const, clientId: "publisher" },
      message: {
        ...{ topic, position, payload: Buffer.from(`retained ${topic}`) },
        publication: {
          ...{ utf8: false, contentType: "", responseTopic: "", correlationData: new Uint8Array() },
          ...{ userProperties: [], expiresAt: undefined },
        },
      },
    });
    answer({ messages: [retained("a", 1), retained("b", 2)], next: "" });
    expect(await client.gets(3)).toEqual(["new", "not to be retained", "retained b"]);
  });
});
