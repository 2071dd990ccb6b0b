import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { scene, TestClient, type TestEdge } from "./edge.fixture.js";
import { SessionStore } from "./store.js";

const { edge, namespace } = scene();
const goes = { publishWill: false };

describe("a will", () => {
  const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false, delayS: 0 } as const;
  const topics = (...from: TestEdge[]) => from.flatMap(({ wills }) => wills.map((each) => each.will.topic));

  it("is published when the connection ends without a proper DISCONNECT, and only then", async () => {
    const one = await edge();
    for (const expiryS of [0, 3600]) {
      const options = { expiryS, clientId: `w${expiryS}` };
      const proper = await new TestClient().connect(one.sessions, namespace(), {
        ...options,
        will: { ...will, topic: `proper-${expiryS}` },
      });
      await proper.session.close(goes);
      const gone = await new TestClient().connect(one.sessions, namespace(), {
        ...options,
        will: { ...will, topic: `gone-${expiryS}` },
      });
      await gone.session.close({ publishWill: true });
    }
    expect(topics(one)).toEqual(["gone-0", "gone-3600"]);
    expect(one.wills[0]?.owner).toEqual({ namespace: namespace(), clientId: "w0", principal: "device:d" });
    expect(one.wills[0]?.will.payload).toEqual(will.payload);
    // Each has its own, that it is stored under however often that is tried.
    expect(new Set(one.wills.map((each) => each.will.id ?? "")).size).toBe(2);
    expect(one.wills[0]?.will.id).toMatch(/^\w{22}$/);
  });

  it("waits for its delay, or the end of the session, and is cancelled when the session is resumed", async () => {
    const one = await edge();
    // Longer than what comes before the first look takes.
    const delayed = { ...will, delayS: 5 };
    const open = (clientId: string, more = {}) =>
      new TestClient().connect(one.sessions, namespace(), { clientId, ...more });
    const left = async (clientId: string, more = {}) => {
      const client = await open(clientId, { will: { ...delayed, topic: clientId }, ...more });
      await client.session.close({ publishWill: true });
    };
    await left("delayed");
    await left("expires", { will: { ...will, topic: "expires", delayS: 100 }, expiryS: 5 });
    await left("resumed");
    await left("clean");
    await open("resumed");
    expect(topics(one)).toEqual([]);
    await open("clean", { cleanStart: true });
    expect(topics(one)).toEqual(["clean"]);
    await until("the others are published", () => one.wills.length === 3);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(topics(one).sort()).toEqual(["clean", "delayed", "expires"]);
  });

  it("is published by one of the others when its edge was killed, or by the next edge that starts", async () => {
    const [one, two, three] = [await edge(), await edge(), await edge()];
    await new TestClient().connect(one.sessions, namespace(), { will });
    // Known to each other for long enough to notice.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    await one.abandon();
    await until("it is published", () => topics(two, three).length > 0);
    const only = { ...will, topic: "only" };
    await new TestClient().connect(three.sessions, namespace(), { clientId: "only", will: only, expiryS: 0 });
    await two.abandon();
    await three.abandon();
    const four = await edge();
    await until("it is published", () => four.wills.length > 0);
    expect(topics(two, three, four)).toEqual(["w", "only"]);
  });

  it("keeps nothing of a session longer than it lasts", async () => {
    const one = await edge();
    const store = await SessionStore.open(one.log.connection, 1);
    const left = async (clientId: string, expiryS: number) => {
      const client = await new TestClient().connect(one.sessions, namespace(), { clientId, expiryS, will });
      await client.session.close({ publishWill: expiryS === 0 });
      return (await store.get({ namespace: namespace(), clientId })) !== undefined;
    };
    expect([await left("ends", 0), await left("expires", 1), await left("stays", 100)]).toEqual([
      ...[false, true, true],
    ]);
    // The first sweep of an edge that starts.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await edge();
    const isThere = async (clientId: string) => store.get({ namespace: namespace(), clientId });
    await until("it is removed", async () => (await isThere("expires")) === undefined);
    expect(await isThere("stays")).toBeDefined();
  });
});
