import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../codec/reason.js";
import { TestDoor } from "./door.fixture.js";

let door: TestDoor;

beforeEach(async () => {
  door = new TestDoor();
  await door.start();
});
afterEach(async () => {
  await door.stop();
  expect(door.errors).toEqual([]);
});

describe("Subscribing", () => {
  const filters = ["ok/+", "bad/#/x", "forbidden/x", "$SYS/#", "$share/g/t", "$share/g+/t"];
  const subscriptions = filters.map((topic) => ({ topic, qos: 1, nl: false, rap: true, rh: 1 }) as const);
  it.each([
    [4, [1, 0x80, 0x80, 0x80, 1, 0x80]],
    [5, [1, 0x8f, 0x87, 0x8f, 1, 0x8f]],
  ] as const)("is answered filter by filter in version %i", async (version, codes) => {
    const client = await door.open(version);
    client.send({ cmd: "subscribe", messageId: 5, subscriptions: [...subscriptions] });
    expect(await client.next("suback")).toMatchObject({ messageId: 5, granted: codes });
    const [plain, shared] = door.lastSession.subscribed;
    expect(plain).toMatchObject({ filter: "ok/+", qos: 1 });
    expect(shared).toMatchObject({ filter: "t", share: "g" });
    expect(door.lastSession.calls).toEqual(["start", "deliverRetained"]);
    client.send({ cmd: "unsubscribe", messageId: 6, unsubscriptions: ["ok/+", "other"] });
    const unsuback = await client.next("unsuback");
    if (version === 5) expect(unsuback.granted).toEqual([0, 0x11]);
  });
  it("to a shared filter without what the client itself sends is an error", async () => {
    const client = await door.open(5);
    const subscription = { topic: "$share/g/t", qos: 1, nl: true, rap: true, rh: 0 } as const;
    client.send({ cmd: "subscribe", messageId: 5, subscriptions: [subscription] });
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.protocolError);
  });
});

describe("A delivery", () => {
  const publication = {
    ...{ utf8: true, contentType: "text/plain", responseTopic: "r", correlationData: Buffer.from("c") },
    ...{ userProperties: [{ key: "a", value: "1" }], expiresAt: Date.now() + 3_600_000 },
  };
  const message = { position: 1, topic: "a/b", payload: Buffer.from("hello"), publication };
  const delivery = {
    message,
    qos: 1,
    packetId: 3,
    dup: false,
    retain: true,
    subscriptionIds: [1, 300],
  } as const;

  it("tells all that its publisher said, and uses aliases", async () => {
    const client = await door.open(5, { properties: { topicAliasMaximum: 1 } });
    const { sink } = door.lastSession.options;
    expect([sink.publish(delivery), sink.publish({ ...delivery, dup: true })]).toEqual([true, true]);
    const properties = {
      ...{ payloadFormatIndicator: true, contentType: "text/plain", responseTopic: "r", topicAlias: 1 },
      ...{ correlationData: Buffer.from("c"), messageExpiryInterval: expect.closeTo(3_580, -2) },
      ...{ userProperties: { a: "1" }, subscriptionIdentifier: [1, 300] },
    };
    const first = await client.next("publish");
    expect(first).toMatchObject({ topic: "a/b", qos: 1, messageId: 3, retain: true, dup: false });
    expect(first.payload.toString()).toBe("hello");
    expect(first.properties).toMatchObject(properties);
    expect(await client.next("publish")).toMatchObject({ topic: "", dup: true });
    client.send({ cmd: "puback", messageId: 3 });
    client.send({ cmd: "pingreq" });
    await client.next("pingresp");
    expect(door.lastSession.calls).toContain("acked 3");
  });
  it("that is too large for the client, or too old, counts as delivered", async () => {
    const client = await door.open(5, { properties: { maximumPacketSize: 100 } });
    const session = door.lastSession;
    const { sink } = session.options;
    sink.publish({ ...delivery, message: { ...message, payload: Buffer.alloc(100) } });
    const old = { ...message, publication: { ...publication, expiresAt: 1 } };
    sink.publish({ ...delivery, message: old, qos: 2, packetId: 4 });
    sink.publish({ ...delivery, message: { ...message, payload: Buffer.alloc(1) }, packetId: 5 });
    expect((await client.next("publish")).messageId).toBe(5);
    expect(session.calls).toEqual(["start", "acked 3", "received 4 true"]);
  });
  it("waits while the client does not read", async () => {
    const client = await door.open(4);
    const { sink } = door.lastSession.options;
    client.socket.pause();
    const large = { ...delivery, message: { ...message, payload: Buffer.alloc(64 * 1024) } };
    let sent = 0;
    while (sink.publish(large)) {
      if (++sent > 1_000) throw new Error("never full");
      await new Promise(setImmediate);
    }
    expect(door.lastSession.calls).not.toContain("writable");
    client.socket.resume();
    for (let i = 0; i <= sent; i++) await client.next("publish");
    expect(door.lastSession.calls).toContain("writable");
  });
  it("ends when the session is taken over", async () => {
    const client = await door.open(5);
    door.lastSession.options.sink.end("taken-over");
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.sessionTakenOver);
    await client.untilClosed();
    expect(door.lastSession.closedWith).toBeUndefined();
  });
});
