import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** UNSUBSCRIBE: sections 3.10 and 3.11. */
export const unsubscribing: Chapter = (clause) => {
  clause(
    { v4: "3.10.4-4, 2.3.1-7", v5: "3.10.4-4, 3.10.4-5, 2.2.1-6" },
    "UNSUBSCRIBE is answered by UNSUBACK with its identifier",
    async (t) => {
      const client = await t.connect();
      await client.subscribe(t.topic());
      client.send(t.p.unsubscribe(4242, [t.topic()]));
      expect(await client.expect("unsuback")).toMatchObject({ id: 4242, codes: t.version === 5 ? [0] : [] });
    },
  );
  clause(
    { v4: "3.10.4-5", v5: "3.10.4-5, 3.11.3-2" },
    "a filter that was not subscribed is answered all the same",
    async (t) => {
      const client = await t.connect();
      expect(await client.unsubscribe(t.topic())).toEqual(
        t.version === 5 ? [reason.NO_SUBSCRIPTION_EXISTED] : [],
      );
    },
  );
  clause({ v4: "3.10.4-2", v5: "3.10.4-2" }, "after UNSUBACK no new message comes", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe({ filter: t.topic(), qos: 1 });
    await watcher.unsubscribe(t.topic());
    await client.publish({ topic: t.topic(), qos: 1 });
    await watcher.quiet();
  });
  clause(
    { v4: "3.10.4-1", v5: "3.10.4-1" },
    "a filter ends only the subscription that is written the same",
    async (t) => {
      const client = await t.connect();
      await client.subscribe(t.topic("+"));
      await client.unsubscribe(t.topic("a"), t.topic("#"));
      await client.publish({ topic: t.topic("a"), payload: "still" });
      expect((await client.message()).payload).toBe("still");
      await client.unsubscribe(t.topic("+"));
      await client.publish({ topic: t.topic("a") });
      await client.quiet();
    },
  );
  clause(
    { v4: "3.10.4-6", v5: "3.10.4-6, 3.11.3-1" },
    "several filters have one answer, with their codes in order",
    async (t) => {
      const client = await t.connect();
      await client.subscribe([{ filter: t.topic("a") }, { filter: t.topic("b") }]);
      const codes = await client.unsubscribe(t.topic("a"), t.topic("none"), t.topic("b"));
      expect(codes).toEqual(t.version === 5 ? [0, reason.NO_SUBSCRIPTION_EXISTED, 0] : []);
      for (const name of ["a", "b"]) await client.publish({ topic: t.topic(name) });
      await client.quiet();
    },
  );
  clause(
    { v4: "3.10.3-2", v5: "3.10.3-2" },
    "UNSUBSCRIBE without a filter ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(t.p.unsubscribe(1, []));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v4: "2.3.1-1", v5: "2.2.1-3" }, "UNSUBSCRIBE with identifier 0 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.unsubscribe(0, [t.topic()]));
    await client.refused(...MALFORMED);
  });
  for (const qos of [1, 2]) {
    clause(
      { v4: "3.10.4-3", v5: "3.10.4-3" },
      `a delivery of QoS ${qos} that had begun is completed`,
      async (t) => {
        const clientId = t.clientId("kept");
        const watcher = await t.connect({ clientId, keep: true });
        await watcher.subscribe({ filter: t.topic(), qos });
        await (await t.connect()).publish({ topic: t.topic(), payload: "begun", qos });
        const { id } = await watcher.expect("publish");
        await watcher.unsubscribe(t.topic());
        watcher.drop();
        const again = await t.connect({ clientId, keep: true });
        expect(await again.message()).toMatchObject({ payload: "begun", id, dup: true });
      },
    );
  }
};
