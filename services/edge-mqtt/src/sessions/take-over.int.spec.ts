import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { append, scene, TestClient, type TestEdge } from "./edge.fixture.js";
import { SessionNotYours } from "./errors.js";

const { edge, namespace } = scene();

describe("a client id", () => {
  it("is taken over on the same edge and from another, with and without a record", async () => {
    const [one, two] = [await edge(), await edge()];
    for (const expiryS of [3600, 0]) {
      const clientId = `taken-${expiryS}`;
      const first = await new TestClient().connect(one.sessions, namespace(), { clientId, expiryS });
      const second = await new TestClient().connect(one.sessions, namespace(), { clientId, expiryS });
      expect(first.ended).toBe("taken-over");
      const third = await new TestClient().connect(two.sessions, namespace(), { clientId, expiryS });
      expect(second.ended).toBe("taken-over");
      expect([second.present, third.present]).toEqual([expiryS > 0, expiryS > 0]);
      await third.subscribe("#");
      await append(two.log, namespace(), "a", "x");
      await third.gets(1);
      expect(third.ended).toBeUndefined();
    }
    expect(one.sessions.state().connected).toBe(0);
  });

  it("belongs to who used it first, within a namespace", async () => {
    const [one, two] = [await edge(), await edge()];
    for (const expiryS of [3600, 0]) {
      const clientId = `owned-${expiryS}`;
      const first = await new TestClient().connect(one.sessions, namespace(), { clientId, expiryS });
      const other = { clientId, expiryS, principal: "device:other" };
      for (const { sessions } of [one, two]) {
        const refused = new TestClient().connect(sessions, namespace(), other);
        await expect(refused).rejects.toBeInstanceOf(SessionNotYours);
      }
      await new TestClient().connect(two.sessions, `${namespace()}-other`, other);
      expect(first.ended).toBeUndefined();
    }
  });

  it("goes from one API key to the next once its client is not connected, but not from or to a device", async () => {
    const { sessions } = await edge();
    const connect = (principal: string) => new TestClient().connect(sessions, namespace(), { principal });
    const first = await connect("key:a");
    await expect(connect("key:b")).rejects.toBeInstanceOf(SessionNotYours);
    await first.session.close({ publishWill: false });
    await expect(connect("device:a")).rejects.toBeInstanceOf(SessionNotYours);
    expect((await connect("key:b")).present).toBe(true);
  });

  it("that connects to two edges at once stays at one", async () => {
    const both = [await edge(), await edge()];
    for (let i = 0; i < 20; i++) {
      const expiryS = i % 2 === 0 ? 3600 : 0;
      const clientId = `race-${i}`;
      const clients = both.map(() => new TestClient());
      const results = await Promise.allSettled(
        clients.map((client, at) =>
          client.connect((both[at] as TestEdge).sessions, namespace(), { clientId, expiryS }),
        ),
      );
      await until("one is left", () => {
        const left = clients.filter((each, at) => results[at]?.status === "fulfilled" && !each.ended);
        return left.length === 1;
      });
    }
  });
});
