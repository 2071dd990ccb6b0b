import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { append, scene, TestClient } from "./edge.fixture.js";

const { edge, namespace } = scene();

describe("QoS 2 from a client", () => {
  it("is stored once, whatever is lost on the way", async () => {
    const one = await edge();
    const client = await new TestClient().connect(one.sessions, namespace());
    const first = await client.session.receiveQos2(7, false, "content 7");
    expect(first.stored).toBe(false);
    const second = await client.session.receiveQos2(8, false, "content 8");
    expect(second.identity).not.toBe(first.identity);
    // 7 was stored, but nobody was told; 8 was not.
    await append(one.log, namespace(), "a", "x", { qos: 2, identity: first.identity });
    await one.abandon();
    const two = await edge();
    const again = await new TestClient().connect(two.sessions, namespace());
    expect(await again.session.receiveQos2(7, true, "content 7")).toEqual({
      identity: first.identity,
      stored: true,
    });
    expect(await again.session.receiveQos2(8, true, "content 8")).toEqual({
      identity: second.identity,
      stored: false,
    });
    again.session.storedQos2(8);
    expect(await again.session.receiveQos2(8, true, "content 8")).toEqual({
      identity: second.identity,
      stored: true,
    });
    expect(await again.session.releaseQos2(7)).toBe(true);
    expect(await again.session.releaseQos2(7)).toBe(false);
    // Without DUP, as some clients send it.
    expect(await again.session.receiveQos2(8, false, "content 8")).toMatchObject({ stored: true });
    // Not resent: a new message under an old id.
    const third = await again.session.receiveQos2(8, false, "other content");
    expect(third.stored).toBe(false);
    expect(third.identity).not.toBe(second.identity);
    await two.abandon();
    const last = await new TestClient().connect((await edge()).sessions, namespace());
    expect(await last.session.releaseQos2(7)).toBe(false);
    expect(await last.session.releaseQos2(8)).toBe(true);
  });
});

describe("QoS 2 to a client", () => {
  it("comes once, though the edge was killed before it knew of any answer", async () => {
    const one = await edge();
    const client = new TestClient();
    client.acknowledges = false;
    await client.connect(one.sessions, namespace());
    await client.subscribe("#", { qos: 2 });
    await append(one.log, namespace(), "a", "x", { qos: 2 });
    await append(one.log, namespace(), "a", "y", { qos: 2 });
    await client.gets(2);
    const [x = 0, y = 0] = client.got.map(({ packetId }) => packetId);
    client.session.received(x, false);
    await until("it is released", () => client.released.length === 1);
    await one.abandon();
    const again = await new TestClient().connect((await edge()).sessions, namespace());
    expect(await again.gets(1)).toEqual(["y"]);
    expect(again.got[0]).toMatchObject({ packetId: y, dup: true });
    expect(again.released[0]).toBe(x);
    await append((await edge()).log, namespace(), "a", "z", { qos: 2 });
    expect(await again.gets(2)).toEqual(["y", "z"]);
  });
});
