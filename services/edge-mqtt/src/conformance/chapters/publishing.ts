import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { framed, prefixed, u16 } from "../wire/bytes.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** PUBLISH and its acknowledgements, towards the server and from it: sections 3.3 to 3.7 and 4.3. */
export const publishing: Chapter = (clause) => {
  clause({ v4: "3.3.1-4", v5: "3.3.1-4" }, "QoS 3 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.publish({ topic: t.topic(), qos: 3 }));
    await client.refused(...MALFORMED);
  });
  clause({ v4: "3.3.1-2", v5: "3.3.1-2" }, "DUP with QoS 0 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.publish({ topic: t.topic(), dup: true }));
    await client.refused(...MALFORMED);
  });
  clause({ v4: "4.7.3-1", v5: "4.7.3-1" }, "an empty topic ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.publish({ topic: "", qos: 1 }));
    await client.refused(...MALFORMED, reason.INVALID_TOPIC);
  });
  for (const name of ["#", "a/#", "+", "a/+/b", "a#b", "a+"]) {
    clause(
      { v4: "3.3.2-2, 4.7.1-1", v5: "3.3.2-2, 4.7.0-1" },
      `the topic ${name} ends the connection`,
      async (t) => {
        const client = await t.connect();
        client.send(t.p.publish({ topic: t.topic(name), qos: 1 }));
        await client.refused(...MALFORMED, reason.INVALID_TOPIC);
      },
    );
  }
  clause({ v4: "2.3.1-1", v5: "2.2.1-3" }, "packet identifier 0 ends the connection", async (t) => {
    for (const qos of [1, 2]) {
      const client = await t.connect();
      client.send(t.p.publish({ topic: t.topic(), qos, id: 0 }));
      await client.refused(...MALFORMED);
    }
  });
  clause(
    { v4: "3.3.4-1", v5: "3.3.4-1" },
    "PUBLISH of QoS 1 without room for an identifier ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(framed(3, 2, prefixed(t.topic())));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "3.3.4-1, 4.3.1-1", v5: "3.3.4-1, 4.3.1-1" },
    "QoS 0 is delivered, and answered by nothing",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe(t.topic());
      client.send(t.p.publish({ topic: t.topic(), payload: "zero" }));
      expect(await watcher.message()).toMatchObject({ payload: "zero", qos: 0, id: 0, dup: false });
      await client.quiet();
    },
  );
  clause(
    { v4: "3.3.4-1, 4.3.2-2, 2.3.1-6", v5: "3.3.4-1, 4.3.2-4, 2.2.1-5, 3.4.2-1" },
    "QoS 1 is answered by PUBACK with its identifier",
    async (t) => {
      const client = await t.connect();
      for (const id of [1, 77, 65_535]) {
        client.send(t.p.publish({ topic: t.topic(), qos: 1, id }));
        const answer = await client.expect("puback");
        expect(answer.id).toBe(id);
        expect([0, reason.NO_MATCHING_SUBSCRIBERS]).toContain(answer.code);
      }
    },
  );
  clause(
    { v4: "3.3.4-1, 4.3.3-2", v5: "3.3.4-1, 4.3.3-8, 4.3.3-11, 3.5.2-1, 3.7.2-1" },
    "QoS 2 is answered by PUBREC, and PUBREL by PUBCOMP",
    async (t) => {
      const client = await t.connect();
      client.send(t.p.publish({ topic: t.topic(), qos: 2, id: 9 }));
      const received = await client.expect("pubrec");
      expect(received.id).toBe(9);
      expect([0, reason.NO_MATCHING_SUBSCRIBERS]).toContain(received.code);
      client.send(t.p.pubrel(9));
      expect(await client.expect("pubcomp")).toMatchObject({ id: 9, code: 0 });
    },
  );
  clause({ v4: "4.3.3-2", v5: "4.3.3-10" }, "QoS 2 sent twice before PUBREL is delivered once", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe({ filter: t.topic(), qos: 2 });
    const message = { topic: t.topic(), payload: "once", qos: 2, id: 5 };
    client.send(t.p.publish(message));
    await client.expect("pubrec");
    client.send(t.p.publish({ ...message, dup: true }));
    expect(await client.expect("pubrec")).toMatchObject({ id: 5 });
    client.send(t.p.pubrel(5));
    await client.expect("pubcomp");
    expect((await watcher.message()).payload).toBe("once");
    await watcher.quiet();
  });
  clause(
    { v4: "4.3.3-2", v5: "4.3.3-12" },
    "after PUBCOMP the same identifier is a new message",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      for (const payload of ["first", "second"]) {
        await client.publish({ topic: t.topic(), payload, qos: 2, id: 5, dup: payload === "second" });
      }
      expect((await watcher.message()).payload).toBe("first");
      expect((await watcher.message()).payload).toBe("second");
    },
  );
  clause(
    { v4: "4.3.2-2", v5: "4.3.2-5" },
    "after PUBACK the same identifier is a new message, even with DUP",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      await client.publish({ topic: t.topic(), payload: "same", qos: 1, id: 5 });
      await client.publish({ topic: t.topic(), payload: "same", qos: 1, id: 5, dup: true });
      await watcher.message();
      await watcher.message();
      await watcher.quiet();
    },
  );
  clause(
    { v4: "4.3.3-2, 3.7", v5: "4.3.3-11, 3.7.2-1" },
    "PUBREL for nothing that is known is answered by PUBCOMP",
    async (t) => {
      const client = await t.connect();
      client.send(t.p.pubrel(321));
      const answer = await client.expect("pubcomp");
      expect(answer.id).toBe(321);
      expect([0, reason.ID_NOT_FOUND]).toContain(answer.code);
    },
  );
  clause({ v4: "4.3.3-2", v5: "4.3.3-11" }, "PUBREL sent twice is answered twice", async (t) => {
    const client = await t.connect();
    client.send(t.p.publish({ topic: t.topic(), qos: 2, id: 6 }));
    await client.expect("pubrec");
    client.send(t.p.pubrel(6), t.p.pubrel(6));
    expect((await client.expect("pubcomp")).id).toBe(6);
    expect((await client.expect("pubcomp")).id).toBe(6);
  });
  clause({ v4: "4.6.0-2", v5: "4.6.0-2" }, "PUBACKs come in the order of their messages", async (t) => {
    const client = await t.connect();
    const ids = Array.from({ length: 20 }, (_, n) => 200 - n);
    client.send(...ids.map((id) => t.p.publish({ topic: t.topic(`${id % 3}`), qos: 1, id })));
    for (const id of ids) expect((await client.expect("puback")).id).toBe(id);
  });
  clause({ v4: "4.6.0-3", v5: "4.6.0-3" }, "PUBRECs come in the order of their messages", async (t) => {
    const client = await t.connect();
    const ids = [31, 7, 19, 8];
    client.send(...ids.map((id) => t.p.publish({ topic: t.topic(), qos: 2, id })));
    for (const id of ids) expect((await client.expect("pubrec")).id).toBe(id);
  });
  clause({ v4: "3.3.1-3", v5: "3.3.1-3" }, "DUP of what comes in is not passed on", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe({ filter: t.topic(), qos: 2 });
    for (const qos of [1, 2]) await client.publish({ topic: t.topic(), qos, dup: true });
    expect((await watcher.message()).dup).toBe(false);
    expect((await watcher.message()).dup).toBe(false);
  });
  for (const granted of [0, 1, 2]) {
    clause(
      { v4: "3.8.4-6, 3.3.5-1", v5: "3.8.4-8" },
      `to a subscription of QoS ${granted} goes the lower of the two QoS`,
      async (t) => {
        const [client, watcher] = [await t.connect(), await t.connect()];
        await watcher.subscribe({ filter: t.topic(), qos: granted });
        for (const qos of [0, 1, 2]) {
          await client.publish({ topic: t.topic(), payload: `${qos}`, qos });
          expect(await watcher.message()).toMatchObject({ payload: `${qos}`, qos: Math.min(qos, granted) });
        }
      },
    );
  }
  clause(
    { v4: "4.6.0-5, 4.6.0-6", v5: "4.6.0-5, 4.6.0-6" },
    "messages of a topic and QoS arrive in the order in which they were sent",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      const all = Array.from({ length: 60 }, (_, n) => n);
      for (let at = 0; at < all.length; at += 15) {
        const some = all.slice(at, at + 15);
        client.send(
          ...some.map((n) => t.p.publish({ topic: t.topic(), payload: `${n}`, qos: 1, id: n + 1 })),
        );
        for (const _ of some) await client.expect("puback");
      }
      for (const n of all) expect((await watcher.message()).payload).toBe(`${n}`);
    },
  );
  clause(
    { v4: "4.3.2-1, 2.3.1-4", v5: "4.3.2-1, 4.3.2-2, 2.2.1-4" },
    "unacknowledged messages have different identifiers, and no DUP",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      const ids = new Set<number>();
      for (let n = 0; n < 8; n++) {
        await client.publish({ topic: t.topic(), qos: 1 + (n % 2) });
        const message = await watcher.expect("publish");
        expect(message.dup).toBe(false);
        ids.add(message.id);
      }
      expect(ids.size).toBe(8);
    },
  );
  clause({ v4: "4.4", v5: "4.4.0-1" }, "on one connection nothing is sent again", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe({ filter: t.topic(), qos: 1 });
    await client.publish({ topic: t.topic(), qos: 1 });
    await watcher.expect("publish");
    await sleep(1_500);
    await watcher.quiet();
  });
  clause(
    { v4: "4.3.3-1, 2.3.1-6", v5: "4.3.3-4, 4.3.3-5" },
    "the server answers PUBREC with PUBREL",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      await client.publish({ topic: t.topic(), qos: 2 });
      const { id } = await watcher.expect("publish");
      watcher.send(t.p.pubrec(id));
      expect(await watcher.expect("pubrel")).toMatchObject({ id, code: 0 });
      watcher.send(t.p.pubcomp(id));
      await watcher.ping();
    },
  );
  clause({ v4: "4.3.2", v5: "4.3.2" }, "PUBACK for nothing that was sent does no harm", async (t) => {
    const client = await t.connect();
    client.send(framed(4, 0, u16(1234)));
    await client.ping();
  });
  clause({ v4: "4.7.3", v5: "4.7.3" }, "topics with empty levels are levels of their own", async (t) => {
    const client = await t.connect();
    await client.subscribe([{ filter: `/${t.topic("/")}` }]);
    await client.publish({ topic: t.topic("/"), payload: "not here" });
    await client.publish({ topic: `/${t.topic("/")}`, payload: "here" });
    expect((await client.message()).payload).toBe("here");
  });
};
