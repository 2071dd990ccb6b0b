import { SOON_MS } from "@fieldlog/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../codec/reason.js";
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
  it("under the client id of a provisioned device is refused to everybody else", async () => {
    const connackOf = async (clientId: string) => {
      const client = await door.client();
      client.connect(5, { clientId });
      return (await client.next("connack")).reasonCode;
    };
    for (const clientId of ["ns:d1", "ns", "other:d2"])
      expect([clientId, await connackOf(clientId)]).toEqual([clientId, 0]);
    expect(await connackOf("ns:d2")).toBe(Reason.clientIdNotValid);
    door.login = async () => ({ ...principal, kind: "key", permission: "write" });
    expect(await connackOf("ns:d1")).toBe(Reason.clientIdNotValid);
    expect(door.sessions).toHaveLength(3);
  });
  it("shares subscriptions with others only as an API key that may write", async () => {
    const shares = [];
    for (const permission of ["device", "read", "write", "admin"] as const) {
      door.login = async () => ({
        ...principal,
        kind: permission === "device" ? "device" : "key",
        permission,
      });
      await door.open(5);
      shares.push(door.lastSession.options.sharesAlone);
    }
    expect(shares).toEqual([true, true, false, false]);
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
    expect(performance.now() - from).toBeLessThan(SOON_MS);
  });
  it("comes when the credential is revoked", async () => {
    const client = await door.open(5);
    await door.connections.decided({ namespace: "ns", kind: "credential", id: "d1" });
    door.good = false;
    await door.connections.decided({ namespace: "ns", kind: "credential", id: "other" });
    client.send({ cmd: "pingreq" });
    await client.next("pingresp");
    await door.connections.decided({ namespace: "ns", kind: "credential", id: "d1" });
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.notAuthorized);
  });
  it("comes when the credential expires", async () => {
    door.login = async () => ({ ...principal, expiresAt: Date.now() + 2_000 });
    const [client, older] = [await door.open(5), await door.open(4)];
    expect((await client.next("disconnect")).reasonCode).toBe(Reason.notAuthorized);
    await older.untilClosed();
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
