import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { u8, varint } from "../wire/bytes.js";
import { property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

/** How much may be under way, and how large: sections 3.1.2.11.3 and .4, 3.3.4, 4.9. */
export const flow: Chapter = (clause) => {
  clause(
    { v5: "3.3.4-9, 4.9.0-2" },
    "no more messages are under way to a client than it allows",
    async (t) => {
      const [client, watcher] = [
        await t.connect(),
        await t.connect({ properties: [property("receiveMaximum", 2)] }),
      ];
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      for (let n = 0; n < 5; n++) await client.publish({ topic: t.topic(), payload: `${n}`, qos: 1 });
      const ids = [(await watcher.expect("publish")).id, (await watcher.expect("publish")).id];
      await watcher.quiet();
      for (const payload of ["2", "3", "4"]) {
        watcher.send(t.p.puback(ids.shift() ?? 0));
        const next = await watcher.expect("publish");
        expect(next.payload).toBe(payload);
        ids.push(next.id);
      }
    },
  );
  clause({ v5: "3.3.4-9, 4.9.0-2" }, "a message of QoS 2 is under way until PUBCOMP", async (t) => {
    const [client, watcher] = [
      await t.connect(),
      await t.connect({ properties: [property("receiveMaximum", 1)] }),
    ];
    await watcher.subscribe({ filter: t.topic(), qos: 2 });
    for (let n = 0; n < 2; n++) await client.publish({ topic: t.topic(), payload: `${n}`, qos: 2 });
    const { id } = await watcher.expect("publish");
    watcher.send(t.p.pubrec(id));
    await watcher.expect("pubrel");
    await watcher.quiet();
    watcher.send(t.p.pubcomp(id));
    expect((await watcher.expect("publish")).payload).toBe("1");
  });
  clause({ v5: "3.3.4-10, 4.9.0-3" }, "a full receive maximum holds nothing else up", async (t) => {
    const [client, watcher] = [
      await t.connect(),
      await t.connect({ properties: [property("receiveMaximum", 1)] }),
    ];
    await watcher.subscribe([{ filter: t.topic("1"), qos: 1 }]);
    await client.publish({ topic: t.topic("1"), qos: 1 });
    await client.publish({ topic: t.topic("1"), qos: 1 });
    await watcher.expect("publish");
    await watcher.ping();
    expect(await watcher.subscribe(t.topic("2"))).toEqual([0]);
    expect(await watcher.publish({ topic: t.topic("3"), qos: 1 })).toBeLessThan(0x80);
  });
  clause(
    { v5: "3.3.4-9, 4.4.0-2" },
    "an answer that refuses frees the place, and nothing is sent again",
    async (t) => {
      const clientId = t.clientId();
      const properties = [property("receiveMaximum", 1)];
      const [client, watcher] = [await t.connect(), await t.connect({ clientId, keep: true, properties })];
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      for (const qos of [2, 1, 1]) await client.publish({ topic: t.topic(), payload: `${qos}`, qos });
      const first = await watcher.expect("publish");
      watcher.send(t.p.pubrec(first.id, reason.UNSPECIFIED));
      const second = await watcher.expect("publish");
      watcher.send(t.p.puback(second.id, reason.UNSPECIFIED));
      await watcher.message();
      await watcher.ping();
      await watcher.disconnect();
      const again = await t.connect({ clientId, keep: true });
      await again.quiet();
    },
  );
  clause(
    { v5: "3.3.4-7, 3.2.2.3.3" },
    "more messages under way than the server allows end the connection",
    async (t) => {
      const client = await t.connect();
      const maximum = client.connack?.properties.receiveMaximum ?? 65_535;
      for (let id = 1; id <= Math.min(maximum + 1, 65_535); id++) {
        client.send(t.p.publish({ topic: t.topic(), qos: 2, id }));
        if (maximum < 65_535 && id <= maximum) await client.expect("pubrec");
      }
      if (maximum < 65_535) await client.refused(reason.RECEIVE_MAXIMUM_EXCEEDED, ...reason.MALFORMED);
    },
  );
  clause(
    { v5: "3.1.2-24, 3.1.2-25" },
    "a message larger than the client allows is left out, and the next one comes",
    async (t) => {
      const watcher = await t.connect({ properties: [property("maximumPacketSize", 200)] });
      const client = await t.connect();
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      await client.publish({ topic: t.topic(), payload: "x".repeat(500), qos: 1 });
      await client.publish({ topic: t.topic(), payload: "small", qos: 1 });
      expect((await watcher.message()).payload).toBe("small");
      await watcher.quiet();
    },
  );
  clause(
    { v5: "3.1.2-25, 4.8.2" },
    "a message larger than the client allows does not hold up its session",
    async (t) => {
      const clientId = t.clientId();
      const properties = [property("maximumPacketSize", 200), property("receiveMaximum", 1)];
      const watcher = await t.connect({ clientId, keep: true, properties });
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      await watcher.disconnect();
      const client = await t.connect();
      for (const payload of ["x".repeat(500), "a", "y".repeat(500), "b"]) {
        await client.publish({ topic: t.topic(), payload, qos: 2 });
      }
      const again = await t.connect({ clientId, keep: true, properties });
      expect((await again.message()).payload).toBe("a");
      expect((await again.message()).payload).toBe("b");
    },
  );
  clause(
    { v5: "3.2.2-15, 3.2.2.3.6" },
    "a packet larger than the server allows ends the connection",
    async (t) => {
      const client = await t.connect();
      const maximum = client.connack?.properties.maximumPacketSize;
      if (maximum === undefined) return;
      client.send(u8(0x30), varint(maximum), Buffer.alloc(2_000));
      await client.refused(reason.PACKET_TOO_LARGE, ...reason.MALFORMED);
    },
  );
  clause(
    { v5: "3.1.2-24, 3.4.2-2, 3.5.2-2, 3.9.2-1, 3.11.2-1" },
    "answers stay within the client's maximum packet size",
    async (t) => {
      const properties = [property("maximumPacketSize", 40)];
      const small = await t.connect({ ...t.target.device, properties });
      small.largest = 0;
      for (const qos of [1, 2]) small.send(t.p.publish({ topic: t.topic(), qos, id: qos }));
      small.send(t.p.subscribe(9, [{ filter: "somebody/else" }]), t.p.unsubscribe(10, ["somebody/else"]));
      expect((await small.pick("puback")).code).toBe(reason.NOT_AUTHORIZED);
      expect((await small.pick("pubrec")).code).toBe(reason.NOT_AUTHORIZED);
      await small.pick("suback");
      await small.pick("unsuback");
      expect(small.largest).toBeLessThanOrEqual(40);
    },
  );
  clause(
    { v5: "3.1.2-24, 3.14.2-3" },
    "DISCONNECT stays within the client's maximum packet size",
    async (t) => {
      const client = await t.connect({ properties: [property("maximumPacketSize", 40)] });
      client.largest = 0;
      client.send(t.p.publish({ topic: t.topic("#"), qos: 1 }));
      await client.refused(...reason.MALFORMED, reason.INVALID_TOPIC);
      expect(client.largest).toBeLessThanOrEqual(40);
    },
  );
  clause(
    { v4: "4.3.2-2, 4.6.0-2", v5: "4.6.0-2" },
    "as many messages as the server allows at once are all answered, in order",
    async (t) => {
      const client = await t.connect();
      const count = Math.min(client.connack?.properties.receiveMaximum ?? 2_000, 2_000);
      const ids = Array.from({ length: count }, (_, n) => n + 1);
      client.send(...ids.map((id) => t.p.publish({ topic: t.topic(), payload: `${id}`, qos: 1, id })));
      for (const id of ids) expect((await client.expect("puback")).id).toBe(id);
    },
  );
  clause(
    { v4: "4.3.3-2, 4.8.0-2" },
    "many unreleased messages of QoS 2 are answered, or end the connection: nothing hangs",
    async (t) => {
      const client = await t.connect();
      const ids = Array.from({ length: 1_500 }, (_, n) => n + 1);
      client.send(...ids.map((id) => t.p.publish({ topic: t.topic(), qos: 2, id })));
      for (const id of ids) {
        const answer = await client.next().catch((error: Error) => error);
        if (answer instanceof Error) return expect(client.open, answer.message).toBe(false);
        expect(answer).toMatchObject({ type: "pubrec", id });
      }
    },
  );
};
