import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { type Property, property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** The properties of PUBLISH and of its answers: MQTT 5.0 section 3.3.2.3 and sections 3.4 to 3.7. */
export const publishingV5: Chapter = (clause) => {
  clause(
    { v5: "3.3.2-4, 3.3.2-15, 3.3.2-16, 3.3.2-17, 3.3.2-18, 3.3.2-20" },
    "a message's properties arrive as they were sent, in order",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      const correlationData = Buffer.from([0, 255, 1, 254]);
      const userProperties: [string, string][] = [
        ["b", "1"],
        ["a", "2"],
        ["b", "0"],
        ["", ""],
      ];
      const properties = [
        property("payloadFormat", 1),
        property("contentType", "text/plain"),
        property("responseTopic", "answers/here"),
        property("correlationData", correlationData),
        ...userProperties.map(([name, value]) => property("userProperty", name, value)),
      ];
      await client.publish({ topic: t.topic(), payload: "text", qos: 1, properties });
      expect((await watcher.message()).properties).toEqual({
        payloadFormat: 1,
        contentType: "text/plain",
        responseTopic: "answers/here",
        correlationData,
        userProperties,
        subscriptionIds: [],
      });
    },
  );
  clause({ v5: "2.2.2-1, 3.3.2.3" }, "a message without properties arrives without", async (t) => {
    const client = await t.connect();
    await client.subscribe(t.topic());
    await client.publish({ topic: t.topic() });
    const { properties } = await client.message();
    expect(
      Object.keys(properties)
        .filter((name) => name !== "payloadFormat")
        .sort(),
    ).toEqual(["subscriptionIds", "userProperties"]);
  });
  clause({ v5: "3.3.2-6" }, "the message expiry interval arrives less the time of waiting", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, keep: true });
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.disconnect();
    await (await t.connect()).publish({
      topic: t.topic(),
      qos: 1,
      properties: [property("messageExpiry", 30)],
    });
    await sleep(2_100);
    const { messageExpiry } = (await (await t.connect({ clientId, keep: true })).message()).properties;
    expect(messageExpiry).toBeLessThanOrEqual(28);
    expect(messageExpiry).toBeGreaterThan(20);
  });
  clause(
    { v5: "3.3.2-5" },
    "a message that expired while its reader was away is not delivered",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId, keep: true });
      await first.subscribe({ filter: t.topic(), qos: 1 });
      await first.disconnect();
      const publisher = await t.connect();
      await publisher.publish({
        topic: t.topic(),
        payload: "short",
        qos: 1,
        properties: [property("messageExpiry", 1)],
      });
      await publisher.publish({ topic: t.topic(), payload: "long", qos: 1 });
      await sleep(2_500);
      expect((await (await t.connect({ clientId, keep: true })).message()).payload).toBe("long");
    },
  );
  clause({ v5: "3.3.2-5" }, "a retained message is not delivered once it has expired", async (t) => {
    const client = await t.connect();
    await client.publish({
      topic: t.topic(),
      payload: "x",
      qos: 1,
      retain: true,
      properties: [property("messageExpiry", 1)],
    });
    await sleep(2_500);
    await client.subscribe(t.topic());
    await client.quiet();
  });

  clause({ v5: "3.3.2-8" }, "topic alias 0 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.publish({ topic: t.topic(), properties: [property("topicAlias", 0)] }));
    await client.refused(...MALFORMED, reason.INVALID_TOPIC_ALIAS);
  });
  clause(
    { v5: "3.3.2-9, 3.2.2-17" },
    "a topic alias above the server's maximum ends the connection",
    async (t) => {
      const client = await t.connect();
      const maximum = client.connack?.properties.topicAliasMaximum ?? 0;
      client.send(t.p.publish({ topic: t.topic(), properties: [property("topicAlias", maximum + 1)] }));
      await client.refused(...MALFORMED, reason.INVALID_TOPIC_ALIAS);
    },
  );
  clause({ v5: "3.3.2.3.4" }, "a topic alias that was never set ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.publish({ topic: "", properties: [property("topicAlias", 1)] }));
    await client.refused(...MALFORMED, reason.INVALID_TOPIC_ALIAS);
  });
  clause(
    { v5: "3.3.2-12" },
    "every topic alias up to the maximum stands for its topic, and can be set anew",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe(t.topic("#"));
      const maximum = client.connack?.properties.topicAliasMaximum ?? 0;
      const send = (topic: string, alias: number, payload: string) =>
        client.send(t.p.publish({ topic, payload, properties: [property("topicAlias", alias)] }));
      expect(maximum).toBeGreaterThan(0);
      send(t.topic("one"), 1, "a");
      send(t.topic("last"), maximum, "b");
      send("", 1, "c");
      send("", maximum, "d");
      send(t.topic("other"), 1, "e");
      send("", 1, "f");
      const expected: [string, string][] = [
        ["one", "a"],
        ["last", "b"],
        ["one", "c"],
        ["last", "d"],
        ["other", "e"],
        ["other", "f"],
      ];
      if (maximum === 1) expected.splice(2, 1, ["last", "c"]);
      for (const [name, payload] of expected) {
        expect(await watcher.message()).toMatchObject({ topic: t.topic(name), payload });
      }
    },
  );
  clause({ v5: "3.3.2-7" }, "topic aliases end with their connection", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, keep: true });
    const properties = [property("topicAlias", 1)];
    await first.publish({ topic: t.topic(), qos: 1, properties });
    await first.disconnect();
    const again = await t.connect({ clientId, keep: true });
    again.send(t.p.publish({ topic: "", properties }));
    await again.refused(...MALFORMED, reason.INVALID_TOPIC_ALIAS);
  });
  clause({ v5: "3.1.2-27" }, "the server sends no alias to a client that allows none", async (t) => {
    const client = await t.connect();
    await client.subscribe(t.topic());
    for (let n = 0; n < 3; n++) {
      await client.publish({ topic: t.topic() });
      expect(await client.message()).toMatchObject({ topic: t.topic() });
    }
  });

  const refusedWith = (clauses: string, title: string, ...properties: Property[]) =>
    clause({ v5: clauses }, `PUBLISH with ${title} ends the connection`, async (t) => {
      const client = await t.connect();
      client.send(t.p.publish({ topic: t.topic(), qos: 1, properties }));
      await client.refused(...MALFORMED, reason.INVALID_TOPIC);
    });
  refusedWith("3.3.4-6", "a subscription identifier", property("subscriptionId", 1));
  refusedWith("3.3.2-14", "a response topic with a wildcard", property("responseTopic", "a/#"));
  refusedWith("3.3.2.3.2", "payload format 2", property("payloadFormat", 2));
  refusedWith("3.3.2.3.2", "two payload formats", property("payloadFormat", 1), property("payloadFormat", 1));
  refusedWith(
    "3.3.2.3.3",
    "two message expiry intervals",
    property("messageExpiry", 1),
    property("messageExpiry", 1),
  );
  refusedWith("3.3.2.3.4", "two topic aliases", property("topicAlias", 1), property("topicAlias", 1));
  refusedWith(
    "3.3.2.3.5",
    "two response topics",
    property("responseTopic", "a"),
    property("responseTopic", "a"),
  );
  refusedWith(
    "3.3.2.3.6",
    "correlation data twice",
    property("correlationData", Buffer.from("a")),
    property("correlationData", Buffer.from("a")),
  );
  refusedWith("3.3.2.3.9", "two content types", property("contentType", "a"), property("contentType", "a"));
  refusedWith(
    "3.3.2-13, 1.5.4-1",
    "a response topic that is not UTF-8",
    property("responseTopic", Buffer.from([0xff])),
  );
  refusedWith(
    "3.3.2-19, 1.5.4-1",
    "a content type that is not UTF-8",
    property("contentType", Buffer.from([0xff])),
  );
  refusedWith("2.2.2.2", "a property of CONNECT", property("sessionExpiry", 1));

  clause(
    { v5: "3.3.2.3.2" },
    "a payload that is not the text that it says is passed on or refused as such",
    async (t) => {
      const client = await t.connect();
      const code = await client.publish({
        topic: t.topic(),
        payload: Buffer.from([0xff, 0xfe]),
        qos: 1,
        properties: [property("payloadFormat", 1)],
      });
      expect([0, reason.NO_MATCHING_SUBSCRIBERS, reason.PAYLOAD_FORMAT_INVALID]).toContain(code);
    },
  );
  clause(
    { v5: "3.4.2.1, 3.4.2.2" },
    "answers may be given short, with a reason, or with properties",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      const thanks = [property("reasonString", "thanks"), property("userProperty", "a", "b")];
      for (const rest of [[], [0], [0, thanks]] as [number?, Property[]?][]) {
        await client.publish({ topic: t.topic(), qos: 2 });
        const { id } = await watcher.expect("publish");
        watcher.send(t.p.pubrec(id, ...rest));
        await watcher.expect("pubrel");
        watcher.send(t.p.pubcomp(id, ...rest));
      }
      await watcher.ping();
    },
  );
  clause({ v5: "3.4.2.2" }, "PUBACK with two reason strings ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.puback(1, 0, [property("reasonString", "a"), property("reasonString", "b")]));
    await client.refused(...MALFORMED);
  });
  clause(
    { v5: "3.4.2-1" },
    "a publish that is not permitted is answered so, and not delivered",
    async (t) => {
      const [device, watcher] = [await t.connect(t.target.device), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      for (const qos of [1, 2]) {
        expect(await device.publish({ topic: t.topic(), qos })).toBe(reason.NOT_AUTHORIZED);
      }
      await watcher.quiet();
      const own = `${t.target.device.prefix}/${t.topic()}`;
      expect([0, reason.NO_MATCHING_SUBSCRIBERS]).toContain(await device.publish({ topic: own, qos: 1 }));
    },
  );
  clause(
    { v5: "3.1.2-29" },
    "without request problem information an answer gives no reason string",
    async (t) => {
      const properties = [property("requestProblemInformation", 0)];
      const device = await t.connect({ ...t.target.device, properties });
      device.send(t.p.publish({ topic: t.topic(), qos: 1, id: 3 }), t.p.subscribe(4, [{ filter: "a/#/b" }]));
      const answer = await device.expect("puback");
      expect(answer.properties).toEqual({ userProperties: [], subscriptionIds: [] });
    },
  );
  clause({ v5: "4.3.3-9" }, "after a PUBREC that refuses, the identifier is free", async (t) => {
    const device = await t.connect(t.target.device);
    device.send(t.p.publish({ topic: t.topic(), qos: 2, id: 8 }));
    expect((await device.expect("pubrec")).code).toBe(reason.NOT_AUTHORIZED);
    const own = `${t.target.device.prefix}/${t.topic()}`;
    expect([0, reason.NO_MATCHING_SUBSCRIBERS]).toContain(
      await device.publish({ topic: own, qos: 2, id: 8 }),
    );
  });
};
