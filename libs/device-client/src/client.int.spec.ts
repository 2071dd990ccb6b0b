import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DeviceClient, type ProvisioningOperation, type StartOptions } from "./index.js";
import { Platform } from "./platform.fixture.js";

const QUICK = { backOff: { firstMs: 5, mostMs: 50 }, approvalPollMs: 10 };

describe("a device client", () => {
  let certificates: string;
  let dir: string;
  let platform: Platform;
  const clients: DeviceClient[] = [];
  beforeAll(async () => {
    certificates = await mkdtemp(join(tmpdir(), "fieldlog-device-tls-"));
  });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "fieldlog-device-"));
    platform = await Platform.start(certificates);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await platform.close();
    await rm(dir, { recursive: true });
  });
  afterAll(() => rm(certificates, { recursive: true }));

  const optionsOf = (more: Partial<StartOptions> = {}): StartOptions => ({
    ...{ deviceId: "cellar-7", provisioningToken: platform.provisioningToken, db: join(dir, "device.db") },
    ...{ instance: platform.instance, mqttPort: platform.mqttPort, ca: platform.certificate, ...QUICK },
    displayProvisioningOperation: () => {},
    ...more,
  });
  const start = async (more?: Partial<StartOptions>) => {
    const client = await DeviceClient.start(optionsOf(more));
    clients.push(client);
    return client;
  };
  const topics = () => [...platform.taken.values()].map(({ topic }) => topic);

  it("is let in when an operator approves, under the name that the operator chose", async () => {
    platform.decision = "pending";
    platform.approvedAs = "attic-1";
    const shown: ProvisioningOperation[] = [];
    const started = start({ displayProvisioningOperation: (operation) => shown.push(operation) });
    await until("the operation is shown", () => shown.length === 1);
    expect(shown[0]?.verificationCode).toBe("K7QP-3M4X");
    platform.decision = "approved";
    const client = await started;
    expect([client.workspaceId, client.deviceId]).toEqual([platform.workspaceId, "attic-1"]);
    const [connect] = platform.connects;
    expect(connect).toMatchObject({ clientId: `${platform.workspaceId}:attic-1`, clean: false });
    expect(connect?.username).toBe(`localhost/${platform.workspaceId}:attic-1/?api-version=2018-06-30`);
    expect(client.desiredProperties).toEqual({ version: 1, properties: {} });
  });

  it("asks anew when the operation has expired, and gives up when it was cancelled or the token is wrong", async () => {
    platform.decision = "expired";
    let shown = 0;
    await start({ displayProvisioningOperation: () => shown++ });
    expect(shown).toBe(2);
    platform.decision = "cancelled";
    const other = { db: join(dir, "other.db") };
    await expect(start(other)).rejects.toMatchObject({ code: "provisioning-cancelled" });
    await expect(start({ ...other, provisioningToken: "pt_wrong" })).rejects.toMatchObject({
      code: "provisioning-token-invalid",
    });
  });

  it("sends what was stored without a connection, in order, when there is one", async () => {
    await (await start()).close();
    await platform.close();
    const client = await start();
    expect(client.deviceId).toBe("cellar-7");
    const sender = client.createStreamSender({ streamGroup: "air", stream: "raw", compression: "fastest" });
    const text = "the same again and again ".repeat(20);
    for (let i = 0; i < 20; i++) await sender.enqueueMessage(text, { batchId: "b 1", messageId: `m${i}` });
    await sender.enqueueMessageCompletion("b 1", "m19");
    await sender.enqueueBatchCompletion("b 1");
    expect(client.pendingMessagesCount).toBe(22);
    await platform.open();
    await client.waitEnqueuedMessagesSent();
    const base = `devices/${platform.workspaceId}:cellar-7/messages/events/stream-group-name=air&stream-name=raw&batch-id=b%201`;
    const messages = Array.from({ length: 20 }, (_, i) => `${base}&message-id=m${i}&content-encoding=br`);
    expect(topics()).toEqual([
      ...messages,
      `${base}&message-id=m19&complete-message=true&ignore-payload=true`,
      `${base}&complete-batch=true&ignore-payload=true`,
    ]);
    await until("nothing waits", () => client.pendingMessagesCount === 0);
  });

  it("loses nothing and adds nothing when the line breaks again and again", async () => {
    const client = await start();
    const sender = client.createStreamSender();
    const breaking = setInterval(() => platform.cut(), 15);
    try {
      for (let i = 0; i < 500; i++) await sender.enqueueMessage(`${i}`);
    } finally {
      clearInterval(breaking);
    }
    await client.waitEnqueuedMessagesSent();
    expect([...platform.taken.values()].map(({ payload }) => Number(payload))).toEqual(
      Array.from({ length: 500 }, (_, i) => i),
    );
  });

  it("uploads what is too large for a message, and keeps its place in the order", async () => {
    const client = await start();
    const sender = client.createStreamSender({ stream: "raw" });
    const large = Buffer.alloc(300_000, 7);
    void sender.enqueueMessage("before");
    void sender.enqueueMessage(large, { batchId: "b", messageId: "large" });
    await sender.sendMessage("after");
    const [before, link, after] = [...platform.taken.values()];
    expect([String(before?.payload), String(after?.payload)]).toEqual(["before", "after"]);
    expect(link?.topic).toMatch(/message-id=large&has-externalized-payload=true$/);
    expect(platform.uploads.get(JSON.parse(String(link?.payload)).link)).toEqual(large);
  });

  it("sets aside what the platform refuses, and goes on", async () => {
    platform.refuse = (topic) =>
      topic.includes("message-id=bad") ? { code: 0x99, reason: "no such thing" } : undefined;
    const refused: string[] = [];
    const client = await start({ messageRefused: (_, reason) => refused.push(reason) });
    const sender = client.createStreamSender();
    await expect(sender.sendMessage("x", { messageId: "bad" })).rejects.toMatchObject({
      code: "message-refused",
      reason: "no such thing",
    });
    await sender.sendMessage("y", { messageId: "good" });
    expect(refused).toEqual(["no such thing"]);
    await until("it is set aside", () => client.refusedMessages().length === 1);
  });

  it("takes desired properties over, patch by patch, and what it missed", async () => {
    const seen: number[] = [];
    const client = await start({ desiredPropertiesUpdated: ({ version }) => seen.push(version) });
    await until("it is connected", () => platform.subscribed.size >= 4);
    platform.changeDesired({ rate: { hz: 10, gain: 2 }, name: "a" });
    await until("the patch came", () => client.desiredProperties.version === 2);
    platform.cut();
    platform.changeDesired({ rate: { gain: null }, name: null });
    await until("what was missed came", () => client.desiredProperties.version === 3);
    expect(client.desiredProperties.properties).toEqual({ rate: { hz: 10 } });
    expect(client.desiredPropertiesIfNewer(3)).toBeUndefined();
    expect(seen).toEqual([1, 2, 3]);
  });

  it("reports the difference to what the platform has, also of what was set while it was away", async () => {
    const client = await start();
    await client.updateReportedProperties({ firmware: "1", net: { ip: "10.0.0.1", up: true } });
    await client.waitReportedPropertiesSent();
    await client.close();
    await platform.close();
    const again = await start();
    await again.patchReportedProperties({ net: { up: null }, list: [1, 2] });
    expect(again.anyPendingReportedPropertiesUpdates).toBe(true);
    expect(again.reportedProperties).toEqual({ firmware: "1", net: { ip: "10.0.0.1" }, list: [1, 2] });
    await again.close();
    await platform.open();
    const third = await start();
    await third.waitReportedPropertiesSent();
    expect(platform.reported).toEqual({
      version: 3,
      properties: { firmware: "1", net: { ip: "10.0.0.1" }, list: [1, 2] },
    });
    await expect(third.updateReportedProperties({ "a.b": 1 })).rejects.toMatchObject({
      code: "properties-invalid",
    });
  });

  it("keeps what it receives until the application has dealt with it", async () => {
    const client = await start();
    await until("it is connected", () => platform.subscribed.size >= 4);
    const topic = `devices/${platform.workspaceId}:cellar-7/messages/devicebound/kind=greeting`;
    platform.push(topic, "one", 1);
    platform.push(topic, "two", 2);
    await until("both are stored", () => platform.acknowledged.length === 2);
    await client.close();
    const again = await start();
    const got: string[] = [];
    let failures = 0;
    again.onMessage(({ payload, properties }) => {
      if (failures++ === 0) throw new Error("not now");
      got.push(`${properties["kind"]} ${Buffer.from(payload)}`);
    });
    await until("both are handed over", () => got.length === 2);
    expect(got).toEqual(["greeting one", "greeting two"]);
  });

  it("hands a redelivered message over once", async () => {
    const client = await start();
    const got: string[] = [];
    await client.subscribe("events/+/door", ({ payload }) => void got.push(String(Buffer.from(payload))));
    await until("it subscribes", () => platform.subscribed.has("events/+/door"));
    platform.push("events/gate/door", "opened", 5);
    await until("it is stored", () => platform.acknowledged.length === 1);
    platform.push("events/gate/door", "opened", 5, true);
    platform.push("events/gate/door", "closed", 6);
    await until("both are handed over", () => got.length === 2 && platform.acknowledged.length === 3);
    expect([got, platform.acknowledged]).toEqual([
      ["opened", "closed"],
      [5, 5, 6],
    ]);
  });

  it("leaves with the platform what it has no room for", async () => {
    const failures: unknown[] = [];
    const client = await start({ maxReceivedBytes: 1_024, failed: (error) => failures.push(error) });
    await until("it is connected", () => platform.subscribed.size >= 4);
    const topic = `devices/${platform.workspaceId}:cellar-7/messages/devicebound/`;
    for (const [id, text] of [..."abc"].entries()) platform.push(topic, text.repeat(600), id + 1);
    await until("it is stored", () => platform.acknowledged.length === 1);
    const got: string[] = [];
    client.onMessage(({ payload }) => void got.push(String(Buffer.from(payload).subarray(0, 1))));
    await until("it connects again", () => platform.connects.length === 2);
    expect([got, platform.acknowledged]).toEqual([["a"], [1]]);
  });

  it("follows its configuration, each revision once, and says whether it is accepted", async () => {
    const client = await start();
    const seen: unknown[] = [];
    await client.onConfiguration(({ revision, configuration }) => {
      if (revision === 1) throw new Error("not for me");
      seen.push(configuration);
    });
    const topic = "configurations/cellar-7";
    await until("it subscribes", () => platform.subscribed.has(topic));
    platform.push(topic, JSON.stringify({ revision: 0, configuration: { hz: 1 } }), 1);
    platform.push(topic, JSON.stringify({ revision: 1, configuration: { hz: -1 } }), 2);
    platform.push(topic, JSON.stringify({ revision: 0, configuration: { hz: 1 } }), 3);
    await until("it acknowledges both", () => platform.taken.size === 2);
    expect(seen).toEqual([{ hz: 1 }]);
    expect(
      [...platform.taken.values()].map(({ topic, payload }) => [topic, JSON.parse(String(payload))]),
    ).toEqual([
      ["acknowledgments/cellar-7", [expect.objectContaining({ revision: 0, success: true })]],
      ["acknowledgments/cellar-7", [expect.objectContaining({ revision: 1, success: false })]],
    ]);
  });

  it("tells events, measurements and log entries on its own topics", async () => {
    const client = await start();
    await client.publishEvent({ name: "door/front", action: "opened", time: new Date(0) });
    await client.sendMeasurements({ value: { co2: 412.5 }, time: new Date(1_500) });
    await client.sendLog({ severity: "info", message: "up", time: new Date(2_000) });
    await client.waitEnqueuedMessagesSent();
    const told = [...platform.taken.values()].map(({ topic, payload }) => [
      topic,
      JSON.parse(String(payload)),
    ]);
    expect(told).toEqual([
      [
        "events/cellar-7/door%2Ffront",
        { name: "door/front", action: "opened", time: "1970-01-01T00:00:00.000Z", id: expect.any(String) },
      ],
      ["measurements/cellar-7", [{ timestamp: 1.5, value: { co2: 412.5 } }]],
      ["logs/cellar-7", [{ severity: "info", message: "up", timestamp: 2 }]],
    ]);
    await expect(client.sendMeasurements({ value: { CO2: 1 } })).rejects.toMatchObject({
      code: "invalid-option",
    });
  });

  it("answers methods, and says so of those that it does not have", async () => {
    const client = await start();
    client.onMethod("reboot", (payload) => ({ status: 202, body: { echoed: payload } }));
    await until("it is connected", () => platform.subscribed.size >= 4);
    platform.push("$iothub/methods/POST/reboot/?$rid=1", '{"in":5}');
    platform.push("$iothub/methods/POST/fly/?$rid=2", "");
    await until("both are answered", () => platform.answers.length === 2);
    expect(platform.answers).toEqual([
      { topic: "$iothub/methods/res/202/?$rid=1", payload: '{"echoed":{"in":5}}' },
      { topic: "$iothub/methods/res/404/?$rid=2", payload: '{"detail":"No handler found"}' },
    ]);
  });

  it("registers anew when its password is refused, and waits while the namespace is disabled", async () => {
    const client = await start();
    platform.disabled = true;
    platform.cut();
    await client.createStreamSender().enqueueMessage("kept");
    await until("it tries again", () => platform.connects.length >= 3);
    expect(platform.taken.size).toBe(0);
    // All that was given out is revoked: the device is provisioned again, and approved.
    platform.registrations.clear();
    platform.disabled = false;
    await client.waitEnqueuedMessagesSent();
    expect(platform.taken.size).toBe(1);
  });
});
