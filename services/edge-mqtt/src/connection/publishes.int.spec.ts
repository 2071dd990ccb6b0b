import { Budget } from "@fieldlog/admission";
import { LogUnavailable } from "@fieldlog/event-log";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Reason } from "../codec/reason.js";
import type { PublishOutcome } from "../publish/outcome.js";
import { refused } from "../publish/outcome.js";
import { principal, type TestClient, TestDoor } from "./door.fixture.js";

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
  it("with QoS 2 is let in behind those before it, whichever is recorded first", async () => {
    const client = await door.open(version);
    const { promise, resolve } = Promise.withResolvers<void>();
    door.lastSession.recording.set(1, promise);
    for (const id of [1, 2, 3]) client.publish("t", `${id}`, 2, id);
    client.send({ cmd: "pingreq" });
    await client.next("pingresp");
    expect(door.published).toEqual([]);
    resolve();
    for (const id of [1, 2, 3]) expect((await client.next("pubrec")).messageId).toBe(id);
    expect(door.published.map(({ identity }) => identity)).toEqual([1, 2, 3].map((id) => `identity ${id}`));
  });
  it("with QoS 2 that cannot be recorded lets none in behind it", async () => {
    const client = await door.open(version);
    const away = Promise.reject(new LogUnavailable("away"));
    // It is asked for later.
    away.catch(() => undefined);
    door.lastSession.recording.set(2, away);
    for (const id of [1, 2, 3]) client.publish("t", `${id}`, 2, id);
    await client.untilClosed();
    expect(door.published.map(({ identity }) => identity)).toEqual(["identity 1"]);
  });
  it("with QoS 2 lets none in behind one that the log did not take", async () => {
    const taken = Promise.withResolvers<PublishOutcome>();
    const recorded = Promise.withResolvers<void>();
    door.outcome = () => taken.promise;
    const client = await door.open(version);
    door.lastSession.recording.set(2, recorded.promise);
    for (const id of [1, 2]) client.publish("t", `${id}`, 2, id);
    client.send({ cmd: "pingreq" });
    await client.next("pingresp");
    taken.resolve({ kind: "unavailable", retryAfterS: 1 });
    await client.untilClosed();
    recorded.resolve();
    await new Promise(setImmediate);
    expect(door.published.map(({ identity }) => identity)).toEqual(["identity 1"]);
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
