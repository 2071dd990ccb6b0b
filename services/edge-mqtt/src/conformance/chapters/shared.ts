import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { property } from "../wire/properties.js";
import type { RawClient } from "../wire/raw-client.js";
import * as reason from "../wire/reasons.js";

/** Shared subscriptions: MQTT 5.0 section 4.8.2. */
export const shared: Chapter = (clause) => {
  /** All that comes until nothing comes any more. */
  const everything = async (client: RawClient) => {
    const payloads: string[] = [];
    for (;;) {
      const message = await client.message(500).catch(() => undefined);
      if (!message) return payloads;
      payloads.push(message.payload);
    }
  };

  clause({ v5: "4.8.2" }, "each message goes to one member of the group", async (t) => {
    const members = [await t.connect(), await t.connect(), await t.connect()];
    for (const member of members) await member.subscribe({ filter: `$share/group/${t.topic()}`, qos: 1 });
    const publisher = await t.connect();
    const sent = Array.from({ length: 30 }, (_, n) => `${n}`);
    for (const payload of sent) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
    const seen = await Promise.all(members.map(everything));
    expect(seen.flat().sort()).toEqual(sent.sort());
    for (const some of seen) expect(some.length).toBeGreaterThan(0);
  });
  clause(
    { v5: "4.8.2" },
    "each group, and each subscription that is not shared, receives every message",
    async (t) => {
      const [one, two, own] = [await t.connect(), await t.connect(), await t.connect()];
      await one.subscribe({ filter: `$share/one/${t.topic()}`, qos: 1 });
      await two.subscribe({ filter: `$share/two/${t.topic()}`, qos: 1 });
      await own.subscribe({ filter: t.topic(), qos: 1 });
      const publisher = await t.connect();
      for (const payload of ["a", "b", "c"]) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
      for (const client of [one, two, own])
        expect((await everything(client)).sort()).toEqual(["a", "b", "c"]);
    },
  );
  clause({ v5: "4.8.2" }, "a client may be member of a group and subscribe for itself", async (t) => {
    const client = await t.connect();
    await client.subscribe([
      { filter: `$share/g/${t.topic()}`, qos: 1 },
      { filter: t.topic(), qos: 1 },
    ]);
    await client.publish({ topic: t.topic(), payload: "x", qos: 1 });
    const seen = await everything(client);
    expect(seen.length).toBeGreaterThanOrEqual(1);
    expect(seen.length).toBeLessThanOrEqual(2);
  });
  clause({ v5: "4.8.2-3" }, "messages to a group keep to the granted QoS", async (t) => {
    const client = await t.connect();
    await client.subscribe({ filter: `$share/g/${t.topic()}`, qos: 1 });
    await client.publish({ topic: t.topic(), qos: 2 });
    expect((await client.message()).qos).toBe(1);
  });
  clause({ v5: "4.8.2" }, "a group receives wildcards' topics", async (t) => {
    const client = await t.connect();
    await client.subscribe({ filter: `$share/g/${t.topic("+/x")}`, qos: 1 });
    await client.publish({ topic: t.topic("a/y"), payload: "other", qos: 1 });
    await client.publish({ topic: t.topic("a/x"), payload: "this", qos: 1 });
    expect((await client.message()).payload).toBe("this");
  });
  clause({ v5: "3.8.4, 4.8.2" }, "a group receives no retained messages when it is joined", async (t) => {
    const client = await t.connect();
    await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
    await client.subscribe({ filter: `$share/g/${t.topic()}`, qos: 1 });
    await client.quiet();
  });
  clause(
    { v5: "3.10.4-1, 4.8.2" },
    "who leaves the group receives nothing more, the others everything",
    async (t) => {
      const [leaving, staying] = [await t.connect(), await t.connect()];
      const filter = `$share/g/${t.topic()}`;
      for (const client of [leaving, staying]) await client.subscribe({ filter, qos: 1 });
      expect(await leaving.unsubscribe(filter)).toEqual([0]);
      const publisher = await t.connect();
      const sent = ["a", "b", "c", "d", "e", "f"];
      for (const payload of sent) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
      expect((await everything(staying)).sort()).toEqual(sent);
      await leaving.quiet();
    },
  );
  clause({ v5: "4.8.2" }, "a member whose connection ends leaves its place to the others", async (t) => {
    const [leaving, staying] = [await t.connect(), await t.connect()];
    for (const client of [leaving, staying])
      await client.subscribe({ filter: `$share/g/${t.topic()}`, qos: 1 });
    await leaving.disconnect();
    const publisher = await t.connect();
    const sent = ["a", "b", "c", "d"];
    for (const payload of sent) await publisher.publish({ topic: t.topic(), payload, qos: 1 });
    expect((await everything(staying)).sort()).toEqual(sent);
  });
  clause({ v5: "4.8.2-6" }, "what a member refuses goes to nobody else", async (t) => {
    const members = [await t.connect(), await t.connect()];
    for (const member of members) await member.subscribe({ filter: `$share/g/${t.topic()}`, qos: 1 });
    await (await t.connect()).publish({ topic: t.topic(), payload: "no", qos: 1 });
    const [first, second] = members;
    if (!first || !second) throw new Error("two members");
    const taken = await first.next(600).then(
      (packet) => ({ packet, by: first, other: second }),
      async () => ({ packet: await second.next(), by: second, other: first }),
    );
    if (taken.packet.type !== "publish") throw new Error(taken.packet.type);
    taken.by.send(t.p.puback(taken.packet.id, reason.UNSPECIFIED));
    await taken.other.quiet(500);
    await taken.by.quiet();
  });
  clause({ v5: "3.3.4-3, 4.8.2" }, "the subscription identifier comes with a group's messages", async (t) => {
    const client = await t.connect();
    await client.subscribe({ filter: `$share/g/${t.topic()}`, qos: 1 }, [property("subscriptionId", 6)]);
    await client.publish({ topic: t.topic(), qos: 1 });
    expect((await client.message()).properties.subscriptionIds).toEqual([6]);
  });
  for (const filter of [
    "$share/group",
    "$share//topic",
    "$share/gr+up/topic",
    "$share/gr#up/topic",
    "$share/group/",
  ]) {
    clause({ v5: "4.8.2-1, 4.8.2-2" }, `the shared filter ${filter} is refused`, async (t) => {
      const client = await t.connect();
      client.send(t.p.subscribe(1, [{ filter }]));
      const answer = await client.next().catch(() => undefined);
      if (!answer) return expect(client.open).toBe(false);
      if (answer.type === "suback") expect(answer.codes).toEqual([reason.INVALID_FILTER]);
      else expect(answer.type).toBe("disconnect");
    });
  }
};
