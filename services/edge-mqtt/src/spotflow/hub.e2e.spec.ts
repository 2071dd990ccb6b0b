import { SIGNALS, type signals, signalsSubject } from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import type { MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SessionStore } from "../sessions/store.js";
import { call, connectHub, type HubClient, type ProvisionedDevice, provision } from "./hub.fixture.js";

let servers: TestServers;
let system: System;
let log: EventLog;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("hub");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await system?.stop();
  await servers?.stop();
});

/** What is in the log of a device. */
async function logged(device: string): Promise<signals.Signal[]> {
  const until = await log.lastSequence(SIGNALS);
  const found: signals.Signal[] = [];
  for await (const commits of log.read(SIGNALS, { after: 0, subject: signalsSubject("test"), until })) {
    for (const { data } of commits) found.push(...decodeBatch(data).filter((each) => each.device === device));
  }
  return found;
}

async function streamed(device: string) {
  return (await logged(device)).flatMap(({ identity, body }) =>
    body.case === "streamMessage" ? [{ identity, ...body.value }] : [],
  );
}

const operate = (method: string, path: string, body?: unknown) =>
  call(system, method, `/workspaces/test${path}`, body);
const publish = ({ client }: HubClient, topic: string, body = "") =>
  client.publishAsync(topic, body, { qos: 1 });
const heard = ({ received }: HubClient, start: string) =>
  until(`a message on ${start}`, () => received.find(({ topic }) => topic.startsWith(start)));
const closed = (client: MqttClient) =>
  new Promise<void>((resolve) => (client.connected ? client.once("close", () => resolve()) : resolve()));
const telemetry = ({ hubId }: ProvisionedDevice, bag: string) => `devices/${hubId}/messages/events/${bag}`;

describe("a provisioned device", () => {
  it("sends what its streams are made of, acknowledged when it is in the log", async () => {
    const device = await provision(system, "test", "porch-1");
    const hub = await connectHub(system, device);
    const bag = "stream-group-name=air&stream-name=raw&batch-id=b%201&message-id=m%2F1&content-encoding=br";
    await publish(hub, telemetry(device, bag), "packed");
    await publish(hub, telemetry(device, bag), "packed");
    const done = "batch-id=b%201&complete-batch=true&ignore-payload=true";
    await publish(hub, telemetry(device, done), "");
    await publish(hub, telemetry(device, "has-externalized-payload=true"), '{"link":"4f2e"}');
    await publish(hub, telemetry(device, ""), "bare");
    const [first, again, completion, external, bare, ...more] = await streamed("porch-1");
    expect(first).toMatchObject({
      ...{ group: "air", stream: "raw", batch: "b 1", message: "m/1", contentEncoding: "br" },
      identity: expect.stringMatching(/^stream\/[\w-]{43}$/),
    });
    expect(Buffer.from(first?.payload ?? []).toString()).toBe("packed");
    expect(again?.identity).toBe(first?.identity);
    expect(completion).toMatchObject({ batch: "b 1", completesBatch: true, noPayload: true, identity: "" });
    expect(external).toMatchObject({ external: "4f2e", payload: new Uint8Array() });
    expect(bare).toMatchObject({ group: "", stream: "", batch: "", message: "" });
    expect(more).toEqual([]);
    await hub.client.endAsync();
  });

  it("has its twin: asked for, told of changes, reported", async () => {
    const device = await provision(system, "test", "porch-2");
    const hub = await connectHub(system, device);
    await publish(hub, "$iothub/twin/GET/?$rid=a-1");
    const twin = await heard(hub, "$iothub/twin/res/200/?$rid=a-1");
    expect(twin.qos).toBe(0);
    expect(JSON.parse(twin.text)).toEqual({ desired: { $version: 1 }, reported: { $version: 1 } });
    await operate("PATCH", "/devices/porch-2/desired-properties", { rate: 5, gone: 1 });
    const pushed = await heard(hub, "$iothub/twin/PATCH/properties/desired/?$version=2");
    expect(pushed.qos).toBe(0);
    expect(JSON.parse(pushed.text)).toEqual({ rate: 5, gone: 1, $version: 2 });
    await operate("PUT", "/devices/porch-2/desired-properties", { rate: 6 });
    const replaced = await heard(hub, "$iothub/twin/PATCH/properties/desired/?$version=3");
    expect(JSON.parse(replaced.text)).toEqual({ rate: 6, gone: null, $version: 3 });
    const patch = "$iothub/twin/PATCH/properties/reported/?$rid=";
    await publish(hub, `${patch}r1`, '{"rate":6}');
    await heard(hub, "$iothub/twin/res/204/?$rid=r1&$version=2");
    await publish(hub, `${patch}r2`, '{"$bad":1}');
    await heard(hub, "$iothub/twin/res/400/?$rid=r2");
    for (const [index, wrong] of ["{", "[]", "", '{"a":'.repeat(20_000)].entries()) {
      await publish(hub, `${patch}wrong${index}`, wrong);
      await heard(hub, `$iothub/twin/res/400/?$rid=wrong${index}`);
    }
    await publish(hub, `${patch}r3&$version=1`, '{"rate":7}');
    await heard(hub, "$iothub/twin/res/412/?$rid=r3&$version=2");
    await publish(hub, "$iothub/twin/GET/?$rid=a-2");
    const after = await heard(hub, "$iothub/twin/res/200/?$rid=a-2");
    expect(JSON.parse(after.text)).toEqual({
      ...{ desired: { rate: 6, $version: 3 }, reported: { rate: 6, $version: 2 } },
    });
    await hub.client.endAsync();
  });

  it("gets messages without having subscribed, also those of before its first connection and while it was away", async () => {
    const device = await provision(system, "test", "porch-3");
    await operate("POST", "/devices/porch-3/c2d-messages", { greeting: 1 });
    const first = await connectHub(system, device);
    const start = `devices/${device.hubId}/messages/devicebound/`;
    expect(await heard(first, start)).toMatchObject({ qos: 1, text: expect.stringContaining("greeting") });
    await first.client.endAsync();
    await operate("POST", "/devices/porch-3/c2d-messages", { later: 2 });
    const second = await connectHub(system, device);
    expect(await heard(second, start)).toMatchObject({ text: expect.stringContaining("later") });
    expect(second.received.length).toBe(1);
    await second.client.endAsync();
  });

  it("is granted the filters of its dialect, and none of another device's", async () => {
    const device = await provision(system, "test", "porch-4");
    const { client } = await connectHub(system, device);
    const filters = [
      ...["$iothub/methods/POST/#", "$iothub/twin/res/#", "$iothub/twin/PATCH/properties/desired/#"],
      ...[`devices/${device.hubId}/messages/devicebound/#`, "devices/test:porch-3/messages/devicebound/#"],
    ];
    const codes: number[] = [];
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "suback") codes.push(...(packet.granted as number[]));
    });
    await client.subscribeAsync(filters, { qos: 1 }).catch(() => undefined);
    await until("SUBACK", () => codes.length > 0);
    expect(codes).toEqual([1, 1, 1, 1, 128]);
    await client.endAsync();
  });

  it("is asked for its methods, and answers", async () => {
    const device = await provision(system, "test", "porch-5");
    const hub = await connectHub(system, device);
    hub.client.on("message", (topic, payload) => {
      const [, name, id] = /^\$iothub\/methods\/POST\/([^/]+)\/\?\$rid=(.+)$/.exec(topic) ?? [];
      const body = JSON.stringify({ did: name, with: JSON.parse(payload.toString()) as unknown });
      if (id !== undefined) void publish(hub, `$iothub/methods/res/202/?$rid=${id}`, body);
    });
    const blinked = { status: 202, payload: { did: "blink", with: { times: 3 } } };
    expect(await operate("POST", "/devices/porch-5/methods/blink", { times: 3 })).toEqual(blinked);
    const native = "/v1/namespaces/test/devices/porch-5";
    expect(await call(system, "POST", `${native}/methods/blink`, { times: 3 })).toEqual(blinked);
    await call(system, "POST", `${native}/messages?property=unit%3DC`, { rate: 1 });
    const message = await heard(hub, `devices/${device.hubId}/messages/devicebound/`);
    expect(message).toMatchObject({ topic: expect.stringMatching(/&unit=C$/), text: '{"rate":1}' });
    hub.client.removeAllListeners("message");
    await expect(call(system, "POST", `${native}/methods/blink?timeoutMs=50`)).rejects.toThrow(": 504 ");
    await hub.client.endAsync();
  });

  it("may speak MQTT 5, use the topics of every device, and say by what a message is known", async () => {
    const device = await provision(system, "test", "porch-6");
    const { client } = await connectHub(system, device, { protocolVersion: 5 });
    const known = (id: string) => ({
      ...{ qos: 1 as const, properties: { userProperties: { "fieldlog-id": id } } },
    });
    await client.publishAsync(telemetry(device, "note=x"), "free", known("7.a"));
    await client.publishAsync("events/porch-6/Moved", "{}", known("7.b"));
    await client.subscribeAsync("events/#", { qos: 1 });
    await expect(
      client.publishAsync("devices/test:porch-3/messages/devicebound/", "x", known("7.c")),
    ).rejects.toThrow();
    const all = (await logged("porch-6")).filter(({ identity }) => identity.startsWith("client/"));
    expect(all.map(({ identity, body }) => [identity, body.case])).toEqual([
      ["client/7.a", "streamMessage"],
      ["client/7.b", "event"],
    ]);
    expect(all[0]?.publication?.userProperties).toMatchObject([
      { key: "fieldlog-id", value: "7.a" },
      { key: "note", value: "x" },
    ]);
    await client.endAsync();
  });

  it("takes its session and what waits for it with it when it is removed", async () => {
    const device = await provision(system, "test", "porch-8");
    const store = await SessionStore.open(log.connection, 1);
    const session = { namespace: device.hubId.slice(0, device.hubId.indexOf(":")), clientId: device.hubId };
    const { client } = await connectHub(system, device);
    expect(await store.get(session)).toBeDefined();
    await operate("POST", "/devices/porch-8/c2d-messages", { for: "nobody" });
    await operate("DELETE", "/devices/porch-8/delete");
    await closed(client);
    await until("its session is forgotten", async () => (await store.get(session)) === undefined);
    await expect(connectHub(system, device)).rejects.toMatchObject({ code: 5 });
  });

  it("does not get what was for another of its name, from before its namespace was cleared", async () => {
    await call(system, "POST", "/v1/namespaces", { name: "yard" });
    const to = (body: object) => call(system, "POST", "/workspaces/yard/devices/gate-1/c2d-messages", body);
    const { client } = await connectHub(system, await provision(system, "yard", "gate-1"));
    await client.endAsync();
    await to({ for: "the former" });
    await call(system, "POST", "/v1/namespaces/yard/clear", {});
    const device = await until("it may come in again", () => provision(system, "yard", "gate-1"));
    await to({ for: "the new" });
    const again = await connectHub(system, device);
    const first = await heard(again, `devices/${device.hubId}/messages/devicebound/`);
    expect(JSON.parse(first.text)).toEqual({ for: "the new" });
    await again.client.endAsync();
  });

  it("is let go when its registration is over, and goes on with the next", async () => {
    const device = await provision(system, "test", "porch-9");
    const first = await connectHub(system, device);
    const registered = await provision(system, "test", "porch-9");
    await closed(first.client);
    await operate("POST", "/devices/porch-9/c2d-messages", { later: 1 });
    await expect(connectHub(system, device)).rejects.toMatchObject({ code: 5 });
    const next = await connectHub(system, registered);
    expect(await heard(next, `devices/${device.hubId}/messages/devicebound/`)).toMatchObject({ qos: 1 });
    expect(next.received.length).toBe(1);
    await next.client.endAsync();
  });

  it("is refused with a token that is not good, and let go while its namespace is disabled", async () => {
    const device = await provision(system, "test", "porch-7");
    await expect(
      connectHub(system, { ...device, password: "SharedAccessSignature sig=x" }),
    ).rejects.toMatchObject({ code: 5 });
    const { client } = await connectHub(system, device);
    await call(system, "POST", "/v1/namespaces/test/disable", {});
    await closed(client);
    await expect(connectHub(system, device)).rejects.toMatchObject({ code: 3 });
    await call(system, "POST", "/v1/namespaces/test/enable", {});
    const again = await until("it is let in", () => connectHub(system, device));
    await again.client.endAsync();
  });
});
