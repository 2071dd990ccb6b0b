import { setTimeout as sleep } from "node:timers/promises";
import { until } from "@fieldlog/testkit";
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { fresh, type Transport, type World } from "./world.js";

type Versions = 4 | 5;
interface Seen {
  readonly topic: string;
  readonly text: string;
  readonly packet: IPublishPacket;
}

/** The `mqtt` package of npm as it is. */
export function mqttJs(world: () => World): void {
  const open: MqttClient[] = [];
  afterEach(() => {
    for (const client of open.splice(0)) client.end(true);
  });

  async function connected(o: IClientOptions, transport: Transport = "TCP"): Promise<MqttClient> {
    const client = await mqtt.connectAsync(world().doors[transport], {
      ...world().writer,
      clientId: fresh("js"),
      reconnectPeriod: 0,
      ca: world().ca,
      ...o,
    });
    open.push(client);
    return client;
  }

  function listening(client: MqttClient): Seen[] {
    const seen: Seen[] = [];
    client.on("message", (topic, payload, packet) => seen.push({ topic, text: payload.toString(), packet }));
    return seen;
  }

  for (const protocolVersion of [4, 5] as Versions[]) {
    for (const transport of ["TCP", "TLS", "WebSocket"] as Transport[]) {
      it(`speaks version ${protocolVersion} over ${transport} with every QoS`, async () => {
        const client = await connected({ protocolVersion }, transport);
        const seen = listening(client);
        const topic = fresh("every");
        await client.subscribeAsync(`${topic}/#`, { qos: 2 });
        for (const qos of [0, 1, 2] as const)
          await client.publishAsync(`${topic}/${qos}`, `qos ${qos}`, { qos });
        await until("three messages", () => seen.length === 3);
        const got = seen.map(({ text, packet }) => [text, packet.qos]);
        expect(got.sort()).toEqual([
          ["qos 0", 0],
          ["qos 1", 1],
          ["qos 2", 2],
        ]);
      });
    }

    describe(`of version ${protocolVersion}`, () => {
      it("sends large and binary payloads", async () => {
        const client = await connected({ protocolVersion });
        const topic = fresh("large");
        const received: Buffer[] = [];
        client.on("message", (_topic, payload) => received.push(payload));
        await client.subscribeAsync(topic, { qos: 1 });
        const sent = Buffer.from(Array.from({ length: 200_000 }, (_, n) => n % 256));
        await client.publishAsync(topic, sent, { qos: 1 });
        await until("the payload", () => received.length === 1);
        expect(received[0]?.equals(sent)).toBe(true);
      });

      // This client does not keep to the receive maximum, 1,024 here: it is not read from for a while.
      it("publishes many messages at once, which arrive in order", async () => {
        const [publisher, subscriber] = [
          await connected({ protocolVersion }),
          await connected({ protocolVersion }),
        ];
        const seen = listening(subscriber);
        const topic = fresh("many");
        await subscriber.subscribeAsync(topic, { qos: 1 });
        const sent = Array.from({ length: 3_000 }, (_, n) => `${n}`);
        await Promise.all(sent.map((text) => publisher.publishAsync(topic, text, { qos: 1 })));
        await until("all messages", () => seen.length >= sent.length);
        expect(seen.map(({ text }) => text)).toEqual(sent);
      });

      it("keeps and clears retained messages", async () => {
        const publisher = await connected({ protocolVersion });
        const topic = fresh("retained");
        await publisher.publishAsync(topic, "kept", { qos: 1, retain: true });
        const first = await connected({ protocolVersion });
        const seen = listening(first);
        await first.subscribeAsync(topic);
        await until("the retained message", () => seen.length === 1);
        expect(seen[0]).toMatchObject({ text: "kept", packet: { retain: true } });
        await publisher.publishAsync(topic, "", { qos: 1, retain: true });
        const second = await connected({ protocolVersion });
        const nothing = listening(second);
        await second.subscribeAsync(topic);
        await sleep(300);
        expect(nothing).toEqual([]);
      });

      it("leaves a will when its connection breaks", async () => {
        const watcher = await connected({ protocolVersion });
        const seen = listening(watcher);
        const topic = fresh("will");
        await watcher.subscribeAsync(topic, { qos: 1 });
        const will = { topic, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
        const client = await connected({ protocolVersion, will });
        client.stream.destroy();
        await until("the will", () => seen.length === 1);
        expect(seen[0]?.text).toBe("gone");
      });

      it("resumes its session, with what it missed", async () => {
        const session = {
          protocolVersion,
          clientId: fresh("resuming"),
          clean: false,
          ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 300 } }),
        };
        const topic = fresh("missed");
        const before = await connected(session);
        await before.subscribeAsync(topic, { qos: 1 });
        await before.endAsync();
        const publisher = await connected({ protocolVersion });
        for (let n = 0; n < 50; n++) await publisher.publishAsync(topic, `${n}`, { qos: 1 });
        const again = mqtt.connect(world().doors.TCP, { ...world().writer, reconnectPeriod: 0, ...session });
        open.push(again);
        const seen = listening(again);
        const connack = await happened(again, "connect");
        expect(connack).toMatchObject({ sessionPresent: true });
        await until("what was missed", () => seen.length === 50);
        expect(seen.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`));
      });

      it("shares a subscription", async () => {
        const topic = fresh("shared");
        const members = [await connected({ protocolVersion }), await connected({ protocolVersion })];
        const seen = members.map(listening);
        for (const member of members) await member.subscribeAsync(`$share/group/${topic}`, { qos: 1 });
        const publisher = await connected({ protocolVersion });
        const sent = Array.from({ length: 40 }, (_, n) => `${n}`);
        for (const text of sent) await publisher.publishAsync(topic, text, { qos: 1 });
        await until("all messages", () => seen.flat().length >= sent.length);
        await sleep(200);
        expect(
          seen
            .flat()
            .map(({ text }) => text)
            .sort(),
        ).toEqual([...sent].sort());
      });

      it("is refused with a wrong password", async () => {
        await expect(connected({ protocolVersion, password: "wrong" })).rejects.toThrow(
          /not authorized|bad user/i,
        );
      });
    });
  }

  it("gets the reason of a refused publish in version 5", async () => {
    const device = await world().device();
    const client = await connected({ protocolVersion: 5, ...device });
    await expect(client.publishAsync("somebody/else", "x", { qos: 1 })).rejects.toMatchObject({ code: 0x87 });
    await client.publishAsync(`${device.id}/own`, "x", { qos: 1 });
  });

  it("uses topic aliases in version 5", async () => {
    const publisher = await connected({
      protocolVersion: 5,
      autoUseTopicAlias: true,
      autoAssignTopicAlias: true,
    });
    const subscriber = await connected({ protocolVersion: 5, properties: { topicAliasMaximum: 10 } });
    const seen = listening(subscriber);
    const topic = fresh("alias");
    await subscriber.subscribeAsync(topic, { qos: 1 });
    for (let n = 0; n < 10; n++) await publisher.publishAsync(topic, `${n}`, { qos: 1 });
    await until("all messages", () => seen.length === 10);
    expect(new Set(seen.map((message) => message.topic))).toEqual(new Set([topic]));
  });

  it("carries properties between versions", async () => {
    const subscriber = await connected({ protocolVersion: 5 });
    const seen = listening(subscriber);
    const topic = fresh("properties");
    await subscriber.subscribeAsync(topic, { qos: 1, properties: { subscriptionIdentifier: 7 } });
    const publisher = await connected({ protocolVersion: 5 });
    await publisher.publishAsync(topic, "x", {
      qos: 1,
      properties: {
        contentType: "text/plain",
        userProperties: { unit: "hPa" },
        correlationData: Buffer.from("c"),
      },
    });
    await until("the message", () => seen.length === 1);
    expect(seen[0]?.packet.properties).toMatchObject({
      contentType: "text/plain",
      userProperties: { unit: "hPa" },
      subscriptionIdentifier: 7,
    });
  });

  it("reconnects by itself when another client takes its identifier over", async () => {
    const clientId = fresh("taken");
    const first = await connected({ protocolVersion: 5, clientId, reconnectPeriod: 50 });
    const lost = happened(first, "close");
    await connected({ protocolVersion: 5, clientId });
    await lost;
    await happened(first, "connect");
  });
}

/** The first thing that the event tells. */
const happened = (client: MqttClient, event: "connect" | "close") =>
  new Promise((resolve) => client.once(event, resolve));
