import { expect } from "vitest";
import type { Case, Chapter } from "../suite.js";

/** What is sent again, and only then: sections 4.4 and 4.6. */
export const redelivery: Chapter = (clause) => {
  /** A kept session with a subscription of QoS 2, connected. */
  const subscribed = async (t: Case) => {
    const watcher = await t.connect({ clientId: t.clientId("kept"), keep: true });
    await watcher.subscribe({ filter: t.topic(), qos: 2 });
    return watcher;
  };
  const resumed = async (t: Case) => {
    const watcher = await t.connect({ clientId: t.clientId("kept"), keep: true });
    expect(watcher.connack?.sessionPresent).toBe(true);
    return watcher;
  };
  for (const qos of [1, 2]) {
    clause(
      { v4: "4.4.0-1, 3.3.1-1", v5: "4.4.0-1, 3.3.1-1" },
      `an unacknowledged message of QoS ${qos} comes again with DUP and its identifier`,
      async (t) => {
        const watcher = await subscribed(t);
        await (await t.connect()).publish({ topic: t.topic(), payload: "again", qos });
        const { id } = await watcher.expect("publish");
        watcher.drop();
        const again = await resumed(t);
        expect(await again.message()).toMatchObject({ payload: "again", id, qos, dup: true });
        await again.quiet();
      },
    );
  }
  clause(
    { v4: "4.4.0-1, 4.3.3-1", v5: "4.4.0-1, 4.3.3-5, 4.3.3-6" },
    "after PUBREC it is PUBREL that comes again, not the message",
    async (t) => {
      const watcher = await subscribed(t);
      await (await t.connect()).publish({ topic: t.topic(), qos: 2 });
      const { id } = await watcher.expect("publish");
      watcher.send(t.p.pubrec(id));
      await watcher.expect("pubrel");
      watcher.drop();
      const again = await resumed(t);
      expect((await again.expect("pubrel")).id).toBe(id);
      again.send(t.p.pubcomp(id));
      await again.ping();
      await again.quiet();
    },
  );
  clause({ v4: "4.4.0-1", v5: "4.4.0-1" }, "what was acknowledged does not come again", async (t) => {
    const watcher = await subscribed(t);
    const publisher = await t.connect();
    for (const qos of [1, 2]) {
      await publisher.publish({ topic: t.topic(), qos });
      await watcher.message();
    }
    await watcher.ping();
    watcher.drop();
    await (await resumed(t)).quiet();
  });
  clause(
    { v4: "4.6.0-1", v5: "4.6.0-1" },
    "what comes again comes in its first order, before what is new",
    async (t) => {
      const watcher = await subscribed(t);
      const publisher = await t.connect();
      const ids: number[] = [];
      for (let n = 0; n < 5; n++) {
        await publisher.publish({ topic: t.topic(), payload: `${n}`, qos: 1 });
        ids.push((await watcher.expect("publish")).id);
      }
      watcher.send(t.p.puback(ids[1] ?? 0));
      await watcher.ping();
      watcher.drop();
      await publisher.publish({ topic: t.topic(), payload: "new", qos: 1 });
      const again = await resumed(t);
      for (const n of [0, 2, 3, 4]) {
        expect(await again.message()).toMatchObject({ payload: `${n}`, id: ids[n], dup: true });
      }
      expect(await again.message()).toMatchObject({ payload: "new", dup: false });
    },
  );
  clause(
    { v4: "4.4.0-1", v5: "4.4.0-1" },
    "it comes again at each connection until it is acknowledged",
    async (t) => {
      let watcher = await subscribed(t);
      await (await t.connect()).publish({ topic: t.topic(), qos: 1 });
      const { id } = await watcher.expect("publish");
      for (let n = 0; n < 3; n++) {
        watcher.drop();
        watcher = await resumed(t);
        expect(await watcher.expect("publish")).toMatchObject({ id, dup: true });
      }
      watcher.send(t.p.puback(id));
      await watcher.ping();
      watcher.drop();
      await (await resumed(t)).quiet();
    },
  );
  clause({ v4: "3.1.2-6", v5: "3.1.2-4" }, "after a clean start nothing comes again", async (t) => {
    const watcher = await subscribed(t);
    await (await t.connect()).publish({ topic: t.topic(), qos: 1 });
    await watcher.expect("publish");
    watcher.drop();
    await (await t.connect({ clientId: t.clientId("kept") })).quiet();
  });
  clause(
    { v4: "4.3.3-2, 4.4.0-1", v5: "4.3.3-10, 4.4.0-1" },
    "a client's QoS 2 message sent again over a new connection is delivered once",
    async (t) => {
      const watcher = await t.connect();
      await watcher.subscribe({ filter: t.topic(), qos: 2 });
      const clientId = t.clientId("sender");
      const first = await t.connect({ clientId, keep: true });
      const message = { topic: t.topic(), payload: "once", qos: 2, id: 17 };
      first.send(t.p.publish(message));
      await first.expect("pubrec");
      first.drop();
      const again = await t.connect({ clientId, keep: true });
      again.send(t.p.publish({ ...message, dup: true }));
      expect((await again.expect("pubrec")).id).toBe(17);
      again.send(t.p.pubrel(17));
      await again.expect("pubcomp");
      expect((await watcher.message()).payload).toBe("once");
      await watcher.quiet();
    },
  );
  clause(
    { v4: "4.4.0-1, 4.3.3-2", v5: "4.4.0-1, 4.3.3-11" },
    "a client's PUBREL over a new connection is answered by PUBCOMP",
    async (t) => {
      const clientId = t.clientId("sender");
      const first = await t.connect({ clientId, keep: true });
      first.send(t.p.publish({ topic: t.topic(), qos: 2, id: 18 }));
      await first.expect("pubrec");
      first.drop();
      const again = await t.connect({ clientId, keep: true });
      again.send(t.p.pubrel(18));
      expect(await again.expect("pubcomp")).toMatchObject({ id: 18, code: 0 });
    },
  );
  clause(
    { v4: "3.1.2-6", v5: "3.1.2-4" },
    "after a clean start the identifier of an unfinished QoS 2 message is free",
    async (t) => {
      const watcher = await t.connect();
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      const clientId = t.clientId("sender");
      const first = await t.connect({ clientId, keep: true });
      first.send(t.p.publish({ topic: t.topic(), payload: "old", qos: 2, id: 19 }));
      await first.expect("pubrec");
      first.drop();
      await (await t.connect({ clientId })).publish({ topic: t.topic(), payload: "new", qos: 2, id: 19 });
      const seen = [(await watcher.message()).payload];
      if (seen[0] === "old") seen.push((await watcher.message()).payload);
      expect(seen).toContain("new");
    },
  );
};
