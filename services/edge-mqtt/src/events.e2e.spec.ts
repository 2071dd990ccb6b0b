import { until } from "@fieldlog/testkit";
import { connect as connectClient, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, type Fieldlog, startFieldlog } from "./conformance/fieldlog.fixture.js";

let fieldlog: Fieldlog;
let lamp: Device;
const clients: MqttClient[] = [];

beforeAll(async () => {
  fieldlog = await startFieldlog("mqtt-events");
  lamp = await fieldlog.device("lamp");
});
afterAll(async () => {
  for (const client of clients) await client.endAsync(true);
  await fieldlog?.stop();
});

interface Got {
  readonly packet: IPublishPacket;
  readonly event: Record<string, unknown>;
}

/** A client that notes the events that it gets. */
async function connect(
  { username, password }: { username: string; password: string },
  more: IClientOptions = {},
): Promise<{ client: MqttClient; got: Got[] }> {
  const client = connectClient(fieldlog.system.mqttUrl, {
    ...{ protocolVersion: 5, reconnectPeriod: 0, username, password, ...more },
  });
  clients.push(client);
  const got: Got[] = [];
  // What a session has missed comes at once.
  client.on("message", (_, payload, packet) => got.push({ packet, event: JSON.parse(payload.toString()) }));
  await new Promise<void>((resolve, reject) => {
    client.once("connect", () => resolve()).once("error", reject);
  });
  client.on("error", () => undefined);
  return { client, got };
}

const post = (event: object) =>
  fieldlog.call<{ position: number }>("POST", `/v1/namespaces/${fieldlog.namespace}/events`, event);
const valuesOf = (got: readonly Got[]) => got.map(({ event }) => event["value"]);

describe("Events by MQTT", () => {
  it("published over HTTP reach a subscriber as the CloudEvents that HTTP shows", async () => {
    const { client, got } = await connect(fieldlog.writer);
    await client.subscribeAsync(`events/${lamp.id}/#`, { qos: 1 });
    const { position } = await post({ name: "Door/Opened", device: lamp.id, value: 1, data: { a: [1] } });
    // With it comes that the lamp became active.
    const { packet, event } = await until("it came", () =>
      got.find((one) => one.event["type"] === "Door/Opened"),
    );
    expect(packet).toMatchObject({ topic: `events/${lamp.id}/Door%2FOpened`, qos: 1, retain: false });
    expect(packet.properties).toMatchObject({ contentType: "application/cloudevents+json" });
    const shown = await until("HTTP shows it", async () => {
      const path = `/v1/namespaces/${fieldlog.namespace}/events`;
      const { events } = await fieldlog.call<{ events: Record<string, unknown>[] }>("GET", path);
      return events.find((each) => each["position"] === position);
    });
    expect(event).toEqual(shown);
  });

  it("published by a device reach others, each with the QoS of its subscription, and none twice", async () => {
    const [publisher, ...subscribers] = [
      await connect(lamp),
      ...(await Promise.all([0, 1, 2].map(() => connect(fieldlog.writer)))),
    ] as const;
    for (const [qos, { client }] of subscribers.entries()) {
      await client.subscribeAsync("events/+/Light", { qos: qos as 0 | 1 | 2 });
    }
    for (let value = 0; value < 6; value++) {
      const qos = (value % 3) as 0 | 1 | 2;
      await publisher.client.publishAsync(`events/${lamp.id}/Light`, JSON.stringify({ value }), { qos });
    }
    for (const [qos, { got }] of subscribers.entries()) {
      await until("all came", () => got.length >= 6);
      expect(valuesOf(got)).toEqual(["0", "1", "2", "3", "4", "5"]);
      expect(new Set(got.map(({ packet }) => packet.qos))).toEqual(new Set([qos]));
      expect(got[0]?.event).toMatchObject({ type: "Light", device: lamp.id });
    }
  });

  it("a device reacts to others, and publishes its own alone", async () => {
    const other = await fieldlog.device("door");
    const { client, got } = await connect(lamp);
    await client.subscribeAsync(["events/+/Opened", `events/${lamp.id}/#`]);
    await expect(client.subscribeAsync("events")).rejects.toThrow("Not authorized");
    await expect(client.publishAsync(`events/${other.id}/Light`, "{}", { qos: 1 })).rejects.toMatchObject({
      code: 0x87,
    });
    await post({ name: "Opened", device: other.id });
    await post({ name: "Blinked", device: lamp.id });
    await until("both came", () => got.length === 2);
    expect(got.map(({ event }) => [event["type"], event["device"]])).toEqual([
      ["Opened", other.id],
      ["Blinked", lamp.id],
    ]);
  });

  it("a session that was away gets what it has missed, in order", async () => {
    const session = { clientId: "offline", clean: false, properties: { sessionExpiryInterval: 600 } };
    const first = await connect(fieldlog.writer, session);
    await first.client.subscribeAsync("events/+/Missed", { qos: 1 });
    await first.client.endAsync();
    for (let value = 0; value < 20; value++) await post({ name: "Missed", device: lamp.id, value });
    const again = await connect(fieldlog.writer, session);
    await until("all came", () => again.got.length >= 20);
    expect(valuesOf(again.got)).toEqual(Array.from({ length: 20 }, (_, value) => String(value)));
  });

  it("a shared subscription divides them among its members", async () => {
    const members = [await connect(fieldlog.writer), await connect(fieldlog.writer)];
    for (const { client } of members) await client.subscribeAsync("$share/g/events/+/Shared", { qos: 1 });
    for (let value = 0; value < 20; value++) await post({ name: "Shared", device: lamp.id, value });
    const all = () => members.flatMap(({ got }) => valuesOf(got)).map(Number);
    await until("all came", () => all().length >= 20);
    expect(all().sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, value) => value));
  });
});
