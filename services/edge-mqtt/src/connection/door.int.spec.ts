import { Budget } from "@fieldlog/admission";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../codec/reason.js";
import type { PublishOutcome } from "../publish/outcome.js";
import { refused } from "../publish/outcome.js";
import { principal, TestClient, TestDoor } from "./door.fixture.js";

let door: TestDoor;

beforeEach(async () => {
  door = new TestDoor();
  await door.start();
});
afterEach(async () => {
  await door.stop();
  expect(door.errors).toEqual([]);
});

const versions = [4, 5] as const;

describe("CONNECT", () => {
  it("is answered with what is offered", async () => {
    const client = await door.client();
    client.connect(5, { clientId: "", keepalive: 0, properties: { requestResponseInformation: true } });
    const { reasonCode, sessionPresent, properties } = await client.next("connack");
    expect({ reasonCode, sessionPresent }).toEqual({ reasonCode: 0, sessionPresent: false });
    expect(properties).toEqual({
      ...{ receiveMaximum: 1024, maximumPacketSize: 288 * 1024, topicAliasMaximum: 32 },
      ...{ retainAvailable: true, wildcardSubscriptionAvailable: true, sharedSubscriptionAvailable: true },
      ...{ subscriptionIdentifiersAvailable: true, serverKeepAlive: 3600, responseInformation: "d1/" },
      assignedClientIdentifier: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(door.lastSession.options).toMatchObject({
      ...{ principal: "device:d1", cleanStart: true, expiryS: 0, receiveMaximum: 65_535 },
      clientId: properties?.assignedClientIdentifier,
    });
  });
  it("caps the session expiry, and says so", async () => {
    const client = await door.client();
    client.connect(5, { properties: { sessionExpiryInterval: 0xffff_ffff } });
    const { properties } = await client.next("connack");
    expect(properties).toMatchObject({ sessionExpiryInterval: 30 * 86_400 });
    expect(properties?.serverKeepAlive).toBeUndefined();
    expect(door.lastSession.options.expiryS).toBe(30 * 86_400);
  });
  it("hands the will to the session", async () => {
    const properties = { willDelayInterval: 7, contentType: "t", userProperties: { a: "1" } };
    const will = { topic: "gone", payload: Buffer.from("x"), qos: 1, retain: true, properties };
    await door.open(5, { will });
    expect(door.lastSession.options.will).toEqual({
      ...{ topic: "gone", payload: Buffer.from("x"), qos: 1, retain: true, delayS: 7 },
      properties: { contentType: "t", userProperties: [["a", "1"]] },
    });
  });
  it.each([
    [4, "refused", 4],
    [5, "refused", Reason.badUserNameOrPassword],
    [4, "unavailable", 3],
    [5, "unavailable", Reason.serverUnavailable],
  ] as const)("of version %i is %s with code %i", async (version, outcome, code) => {
    door.login = async () => outcome;
    const client = await door.client();
    client.connect(version);
    const { returnCode, reasonCode, sessionPresent } = await client.next("connack");
    expect([version === 4 ? returnCode : reasonCode, sessionPresent]).toEqual([code, false]);
    await client.untilClosed();
  });
  it("with a will is refused to who may only read", async () => {
    door.login = async () => ({ ...principal, kind: "key", permission: "read" });
    const client = await door.client();
    client.connect(5, { will: { topic: "t", payload: Buffer.from("x"), qos: 0, retain: false } });
    expect((await client.next("connack")).reasonCode).toBe(Reason.notAuthorized);
  });
  it("of nobody is not authorized", async () => {
    door.login = async () => "refused";
    const client = await door.client();
    client.connect(4, { username: undefined, password: undefined });
    expect((await client.next("connack")).returnCode).toBe(5);
  });
  it("of MQTT 3.1 is told that the version is not spoken", async () => {
    const client = await door.client();
    client.connect(4, { protocolVersion: 3, protocolId: "MQIsdp" });
    expect((await client.next("connack")).returnCode).toBe(1);
    await client.untilClosed();
  });
  it("with an authentication method is refused", async () => {
    const client = await door.client();
    client.connect(5, { properties: { authenticationMethod: "SCRAM" } });
    expect((await client.next("connack")).reasonCode).toBe(Reason.badAuthenticationMethod);
  });
  it("lets nothing through before it is answered", async () => {
    let decide: (value: typeof principal) => void = () => undefined;
    door.login = () => new Promise((resolve) => (decide = resolve));
    const client = await door.client();
    client.connect(4);
    client.publish("d1/x", "1", 1, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(door.published).toEqual([]);
    decide(principal);
    await client.next("connack");
    expect((await client.next("puback")).messageId).toBe(1);
  });
});

describe.each(versions)("A publish of version %i", (version) => {
  it("is acknowledged in order, once it is kept", async () => {
    const kept: ((outcome: PublishOutcome) => void)[] = [];
    door.outcome = ({ topic }) =>
      topic === "now" ? { kind: "stored", position: 1 } : new Promise((resolve) => kept.push(resolve));
    const client = await door.open(version);
    client.publish("later", "1", 1, 1);
    client.publish("later", "2", 1, 2);
    client.publish("now", "3", 1, 3);
    client.send({ cmd: "pingreq" });
    await client.next("pingresp");
    expect(client.packets).toEqual([]);
    kept[1]?.({ kind: "stored", position: 2 });
    kept[0]?.({ kind: "stored", position: 1 });
    for (const id of [1, 2, 3]) expect((await client.next("puback")).messageId).toBe(id);
  });
  it("with QoS 2 is stored once, however often it is sent", async () => {
    const client = await door.open(version);
    client.publish("t", "x", 2, 9);
    await client.next("pubrec");
    client.publish("t", "x", 2, 9, { dup: true });
    await client.next("pubrec");
    expect(door.published).toMatchObject([{ topic: "t", identity: "identity 9", qos: 2 }]);
    client.send({ cmd: "pubrel", messageId: 9 });
    expect((await client.next("pubcomp")).messageId).toBe(9);
  });
  it("ends the connection, unacknowledged, while the log is away", async () => {
    door.outcome = async () => ({ kind: "unavailable", retryAfterS: 1 });
    const client = await door.open(version);
    client.publish("t", "x", 1, 1);
    if (version === 5) expect((await client.next("disconnect")).reasonCode).toBe(Reason.serverBusy);
    await client.untilClosed();
    expect(client.packets).toEqual([]);
    expect(door.lastSession.closedWith).toEqual({ publishWill: true });
  });
  it("may be larger than the socket's chunks", async () => {
    const client = await door.open(version);
    const payload = "x".repeat(256 * 1024);
    client.publish("t", payload, 1, 1);
    await client.next("puback");
    expect(Buffer.from(door.published[0]?.payload as Uint8Array).toString()).toBe(payload);
  });
  it("waits in the socket while too much is under way", async () => {
    let open = () => undefined as unknown;
    const gate = new Promise<PublishOutcome>((resolve) => {
      open = () => resolve({ kind: "stored", position: 1 });
    });
    door.outcome = () => gate;
    const client = await door.open(version);
    const payload = "x".repeat(100 * 1024);
    for (let id = 1; id <= 8; id++) client.publish("t", payload, 1, id);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(door.published).toHaveLength(3);
    open();
    for (let id = 1; id <= 8; id++) expect((await client.next("puback")).messageId).toBe(id);
  });
});

describe("A refused publish", () => {
  beforeEach(() => {
    door.outcome = () => refused("payload-format-invalid", "no JSON");
  });
  it("is answered with a reason in MQTT 5", async () => {
    const client = await door.open(5);
    client.publish("t", "x", 1, 1);
    const refusal = { reasonCode: Reason.payloadFormatInvalid, properties: { reasonString: "no JSON" } };
    expect(await client.next("puback")).toMatchObject({ messageId: 1, ...refusal });
    client.publish("t", "x", 2, 2);
    expect(await client.next("pubrec")).toMatchObject({ messageId: 2, ...refusal });
    expect(await door.registry.metrics()).toContain(
      'fieldlog_mqtt_refusals_total{reason="payload-format-invalid"} 2',
    );
  });
  it("is answered without words where the client wants none", async () => {
    const client = await door.open(5, { properties: { requestProblemInformation: false } });
    client.publish("t", "x", 1, 1);
    expect((await client.next("puback")).properties).toBeUndefined();
  });
  it("ends a connection of MQTT 3.1.1", async () => {
    const client = await door.open(4);
    client.publish("t", "x", 1, 1);
    await client.untilClosed();
    expect(client.packets).toEqual([]);
  });
});

describe("A client of MQTT 5", () => {
  it.each([
    ["an unknown alias", { topic: "", properties: { topicAlias: 3 } }, Reason.protocolError],
    ["an alias of 0", { properties: { topicAlias: 0 } }, Reason.topicAliasInvalid],
    ["an alias over the maximum", { properties: { topicAlias: 33 } }, Reason.topicAliasInvalid],
    ["a wildcard", { topic: "a/#" }, Reason.topicNameInvalid],
    ["a wildcard to answer to", { properties: { responseTopic: "a/+" } }, Reason.protocolError],
  ])("is disconnected that publishes with %s", async (_, more, code) => {
    const client = await door.open(5);
    client.publish("t", "x", 1, 1, more);
    expect((await client.next("disconnect")).reasonCode).toBe(code);
    await client.untilClosed();
  });
  it("may use topic aliases", async () => {
    const client = await door.open(5);
    client.publish("long/topic", "1", 1, 1, { properties: { topicAlias: 32 } });
    client.publish("", "2", 1, 2, { properties: { topicAlias: 32 } });
    await client.next("puback");
    await client.next("puback");
    expect(door.published.map(({ topic }) => topic)).toEqual(["long/topic", "long/topic"]);
  });
  it("may not have more exchanges of QoS 2 open than it was told", async () => {
    const client = await door.open(5);
    for (let id = 1; id <= 1024; id++) {
      client.publish("t", "", 2, id);
      await client.next("pubrec");
    }
    client.publish("t", "", 2, 1025);
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.receiveMaximumExceeded);
  });
});

describe("Who sends too fast", () => {
  const received = (client: TestClient, cmd: string) =>
    client.packets.filter((packet) => packet.cmd === cmd).length;

  it.each(versions)("for the log is not read from in version %i until that takes more", async (version) => {
    const kept: ((outcome: PublishOutcome) => void)[] = [];
    door.outcome = () => new Promise((resolve) => kept.push(resolve));
    const client = await door.open(version);
    for (let id = 1; id <= 3000; id++) client.publish("t", "", 1, id);
    client.send({ cmd: "pingreq" });
    await expect.poll(() => kept.length).toBe(1024);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(kept).toHaveLength(1024);
    expect(received(client, "pingresp")).toBe(0);
    door.outcome = () => ({ kind: "stored", position: 1 });
    for (const keep of kept) keep({ kind: "stored", position: 1 });
    await expect.poll(() => received(client, "puback")).toBe(3000);
    await expect.poll(() => received(client, "pingresp")).toBe(1);
  });

  it("for its credential is slowed down, and refused nothing", async () => {
    door.login = async () => ({ ...principal, budget: new Budget(500, 10) });
    const client = await door.open(5);
    const begin = performance.now();
    for (let id = 1; id <= 110; id++) client.publish("t", "", 1, id);
    await expect.poll(() => received(client, "puback")).toBe(110);
    expect(performance.now() - begin).toBeGreaterThan(150);
    const refusals = client.packets.filter(
      (packet) => packet.cmd === "puback" && (packet.reasonCode ?? 0) > 0,
    );
    expect(refusals).toEqual([]);
  });
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
    ...{ userProperties: [{ key: "a", value: "1" }], expiresAt: Date.now() + 9_500 },
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
      ...{ correlationData: Buffer.from("c"), messageExpiryInterval: expect.closeTo(9, 0) },
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

describe("The end", () => {
  it.each([
    ["a normal one", 0, undefined, { publishWill: false }],
    ["one with the will", 4, undefined, { publishWill: true }],
    ["one that changes the expiry", 0, 5, { publishWill: false, expiryS: 5 }],
  ] as const)("tells the session: %s", async (_, reasonCode, sessionExpiryInterval, closed) => {
    const client = await door.open(5, { properties: { sessionExpiryInterval: 60 } });
    const properties = sessionExpiryInterval === undefined ? {} : { properties: { sessionExpiryInterval } };
    client.send({ cmd: "disconnect", reasonCode, ...properties });
    await client.untilClosed();
    expect(door.lastSession.closedWith).toEqual(closed);
  });
  it("comes when nothing was heard for one and a half times the keep alive", async () => {
    const client = await door.open(5, { keepalive: 1 });
    const from = performance.now();
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.keepAliveTimeout);
    expect(performance.now() - from).toBeGreaterThan(1_450);
    expect(performance.now() - from).toBeLessThan(3_000);
  });
  it("comes when the credential is revoked", async () => {
    const client = await door.open(5);
    door.connections.decided({ namespace: "ns", kind: "credential", id: "d1" });
    door.good = false;
    door.connections.decided({ namespace: "ns", kind: "credential", id: "other" });
    client.send({ cmd: "pingreq" });
    await client.next("pingresp");
    door.connections.decided({ namespace: "ns", kind: "credential", id: "d1" });
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.notAuthorized);
  });
  it("comes when the credential expires", async () => {
    door.login = async () => ({ ...principal, expiresAt: Date.now() + 300 });
    const client = await door.open(5);
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.notAuthorized);
  });
  it("is told by a server that stops, after what was published is answered", async () => {
    door.outcome = () => new Promise((resolve) => setTimeout(resolve, 100, { kind: "stored", position: 1 }));
    const client = await door.open(5);
    client.publish("t", "x", 1, 1);
    while (door.published.length === 0) await new Promise(setImmediate);
    await door.stop();
    await client.next("puback");
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.serverShuttingDown);
    expect(door.lastSession.closedWith).toEqual({ publishWill: true });
    door = new TestDoor();
    await door.start();
  });
});

describe("A connection too many", () => {
  it("is closed at once", async () => {
    const small = new TestDoor({ maximum: 1 });
    await small.start();
    const first = await small.open(4);
    const second = await TestClient.connect(small.port);
    await second.untilClosed();
    first.send({ cmd: "disconnect" });
    await first.untilClosed();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await small.open(4);
    await small.stop();
  });
});
