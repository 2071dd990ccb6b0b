import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** Subscription options and identifiers: MQTT 5.0 sections 3.8.2, 3.8.3.1, 3.3.4. */
export const subscribingV5: Chapter = (clause) => {
  clause({ v5: "3.8.3.1" }, "retain handling 3 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, [{ filter: t.topic(), retainHandling: 3 }]));
    await client.refused(...MALFORMED);
  });
  clause({ v5: "3.8.3-3" }, "no local keeps a client's own messages from it, and only these", async (t) => {
    const [client, other] = [await t.connect(), await t.connect()];
    await client.subscribe({ filter: t.topic(), qos: 1, noLocal: true });
    await client.publish({ topic: t.topic(), payload: "mine", qos: 1 });
    await other.publish({ topic: t.topic(), payload: "theirs", qos: 1 });
    expect((await client.message()).payload).toBe("theirs");
    await client.quiet();
  });
  clause(
    { v5: "3.8.3-3" },
    "no local goes by the client identifier, also when the session goes on",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId, keep: true });
      await first.subscribe({ filter: t.topic(), qos: 1, noLocal: true });
      await first.publish({ topic: t.topic(), qos: 1 });
      await first.disconnect();
      const again = await t.connect({ clientId, keep: true });
      await again.publish({ topic: t.topic(), qos: 1 });
      await again.quiet();
    },
  );
  clause({ v5: "3.8.3-4" }, "no local on a shared subscription ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, [{ filter: `$share/group/${t.topic()}`, noLocal: true }]));
    await client.refused(...MALFORMED);
  });
  clause({ v5: "3.3.1-12" }, "without retain as published the retain flag is not passed on", async (t) => {
    const client = await t.connect();
    await client.subscribe(t.topic());
    await client.publish({ topic: t.topic(), payload: "x", retain: true });
    expect((await client.message()).retain).toBe(false);
  });
  clause({ v5: "3.3.1-13" }, "with retain as published the retain flag is passed on", async (t) => {
    const client = await t.connect();
    await client.subscribe({ filter: t.topic(), retainAsPublished: true });
    await client.publish({ topic: t.topic(), payload: "x", retain: true });
    await client.publish({ topic: t.topic(), payload: "x", retain: false });
    expect((await client.message()).retain).toBe(true);
    expect((await client.message()).retain).toBe(false);
  });
  clause({ v5: "3.3.1-9" }, "retain handling 0 sends retained messages at each SUBSCRIBE", async (t) => {
    const client = await t.connect();
    await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
    for (let n = 0; n < 2; n++) {
      await client.subscribe({ filter: t.topic(), retainHandling: 0 });
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true });
    }
  });
  clause(
    { v5: "3.3.1-10" },
    "retain handling 1 sends retained messages to a new subscription only",
    async (t) => {
      const client = await t.connect();
      await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
      await client.subscribe({ filter: t.topic(), retainHandling: 1 });
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true });
      await client.subscribe({ filter: t.topic(), retainHandling: 1 });
      await client.quiet();
      await client.unsubscribe(t.topic());
      await client.subscribe({ filter: t.topic(), retainHandling: 1 });
      expect((await client.message()).payload).toBe("kept");
    },
  );
  clause({ v5: "3.3.1-11" }, "retain handling 2 sends no retained messages", async (t) => {
    const client = await t.connect();
    await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
    await client.subscribe({ filter: t.topic(), retainHandling: 2 });
    await client.quiet();
    await client.publish({ topic: t.topic(), payload: "live", qos: 1 });
    expect((await client.message()).payload).toBe("live");
  });
  clause({ v5: "3.8.4-4" }, "a subscription that is replaced loses no message", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe({ filter: t.topic(), qos: 1 });
    const count = 30;
    const publishing = (async () => {
      for (let n = 0; n < count; n++) await client.publish({ topic: t.topic(), payload: `${n}`, qos: 1 });
    })();
    for (let n = 0; n < 5; n++) await watcher.subscribe({ filter: t.topic(), qos: 1 });
    await publishing;
    for (let n = 0; n < count; n++) expect((await watcher.message()).payload).toBe(`${n}`);
  });

  clause({ v5: "3.3.4-3" }, "the subscription identifier comes with each message", async (t) => {
    const client = await t.connect();
    for (const id of [1, 268_435_455]) {
      await client.subscribe({ filter: t.topic(`${id}`) }, [property("subscriptionId", id)]);
      await client.publish({ topic: t.topic(`${id}`) });
      expect((await client.message()).properties.subscriptionIds).toEqual([id]);
    }
  });
  clause(
    { v5: "3.3.4-3, 3.3.4-4, 3.3.4-5" },
    "overlapping subscriptions give all their identifiers",
    async (t) => {
      const client = await t.connect();
      await client.subscribe(t.topic("#"), [property("subscriptionId", 11)]);
      await client.subscribe(t.topic("a"), [property("subscriptionId", 22)]);
      await client.subscribe(t.topic("+"));
      await client.publish({ topic: t.topic("a") });
      await client.publish({ topic: t.topic("end/end"), payload: "end" });
      const ids: number[] = [];
      for (
        let message = await client.message();
        message.payload !== "end";
        message = await client.message()
      ) {
        ids.push(...message.properties.subscriptionIds);
      }
      expect(ids.sort()).toEqual([11, 22]);
    },
  );
  clause({ v5: "3.8.2.1.2" }, "subscription identifier 0 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, [{ filter: t.topic() }], [property("subscriptionId", 0)]));
    await client.refused(...MALFORMED);
  });
  clause(
    { v5: "3.8.2.1.2" },
    "two subscription identifiers in one SUBSCRIBE end the connection",
    async (t) => {
      const client = await t.connect();
      const twice = [property("subscriptionId", 1), property("subscriptionId", 2)];
      client.send(t.p.subscribe(1, [{ filter: t.topic() }], twice));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v5: "3.8.2.1" }, "a property of PUBLISH in SUBSCRIBE ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, [{ filter: t.topic() }], [property("contentType", "x")]));
    await client.refused(...MALFORMED);
  });
  clause({ v5: "3.8.2.1.3" }, "SUBSCRIBE may hold user properties", async (t) => {
    const client = await t.connect();
    const properties = [property("userProperty", "a", "1"), property("userProperty", "a", "1")];
    expect(await client.subscribe(t.topic(), properties)).toEqual([0]);
  });
  clause({ v5: "3.8.4-3" }, "a replaced subscription has the new identifier, or none", async (t) => {
    const client = await t.connect();
    await client.subscribe(t.topic(), [property("subscriptionId", 1)]);
    await client.subscribe(t.topic(), [property("subscriptionId", 2)]);
    await client.publish({ topic: t.topic() });
    expect((await client.message()).properties.subscriptionIds).toEqual([2]);
    await client.subscribe(t.topic());
    await client.publish({ topic: t.topic() });
    expect((await client.message()).properties.subscriptionIds).toEqual([]);
  });
  clause({ v5: "3.3.4-3, 3.1.2-23" }, "identifiers and options are part of the session", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, keep: true });
    const options = { filter: t.topic(), qos: 1, retainAsPublished: true };
    await first.subscribe(options, [property("subscriptionId", 5)]);
    await first.disconnect();
    await (await t.connect()).publish({ topic: t.topic(), payload: "x", qos: 1, retain: true });
    const message = await (await t.connect({ clientId, keep: true })).message();
    expect(message).toMatchObject({ retain: true, properties: { subscriptionIds: [5] } });
  });
  clause({ v5: "3.3.4-3" }, "retained messages come with the subscription identifier too", async (t) => {
    const client = await t.connect();
    await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
    await client.subscribe(t.topic(), [property("subscriptionId", 9)]);
    expect((await client.message()).properties.subscriptionIds).toEqual([9]);
  });
  clause(
    { v5: "3.9.3-2" },
    "a subscription that is not permitted is answered so, the others are granted",
    async (t) => {
      const device = await t.connect(t.target.device);
      const own = `${t.target.device.prefix}/#`;
      expect(await device.subscribe([{ filter: own }, { filter: "somebody/else" }])).toEqual([
        0,
        reason.NOT_AUTHORIZED,
      ]);
    },
  );
};
