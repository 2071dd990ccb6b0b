import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { property } from "../wire/properties.js";

/** Retained messages: section 3.3.1.3. */
export const retained: Chapter = (clause) => {
  clause(
    { v4: "3.3.1-5, 3.3.1-6, 3.3.1-8", v5: "3.3.1-5, 3.3.1-9" },
    "a new subscription receives the retained message, marked as such",
    async (t) => {
      const client = await t.connect();
      await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
      await client.subscribe({ filter: t.topic(), qos: 1 });
      expect(await client.message()).toMatchObject({ payload: "kept", retain: true, qos: 1, dup: false });
    },
  );
  clause(
    { v4: "3.3.1-9", v5: "3.3.1-12" },
    "an established subscription receives it as a message like others",
    async (t) => {
      const client = await t.connect();
      await client.subscribe({ filter: t.topic(), qos: 1 });
      await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
      expect(await client.message()).toMatchObject({ payload: "kept", retain: false });
    },
  );
  clause(
    { v4: "3.3.1-5", v5: "3.3.1-5" },
    "only the newest retained message of a topic is kept",
    async (t) => {
      const client = await t.connect();
      for (const payload of ["old", "new"])
        await client.publish({ topic: t.topic(), payload, qos: 1, retain: true });
      await client.subscribe(t.topic());
      expect((await client.message()).payload).toBe("new");
      await client.quiet();
    },
  );
  clause(
    { v4: "3.3.1-7", v5: "3.3.1-5" },
    "a retained message of QoS 0 replaces what was retained",
    async (t) => {
      const client = await t.connect();
      await client.publish({ topic: t.topic(), payload: "old", qos: 1, retain: true });
      await client.publish({ topic: t.topic(), payload: "new", retain: true });
      await client.publish({ topic: t.topic("other"), qos: 1 });
      const watcher = await t.connect();
      await watcher.subscribe(t.topic());
      const message = await watcher.message().catch(() => undefined);
      if (message) expect(message.payload).toBe("new");
    },
  );
  for (const qos of [0, 1, 2]) {
    clause(
      { v4: "3.3.1-10, 3.3.1-11", v5: "3.3.1-6, 3.3.1-7" },
      `an empty retained message of QoS ${qos} is delivered, and removes what was retained`,
      async (t) => {
        const [client, watcher] = [await t.connect(), await t.connect()];
        await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
        await watcher.subscribe(t.topic());
        await watcher.message();
        await client.publish({ topic: t.topic(), payload: "", qos, retain: true });
        expect((await watcher.message()).payload).toBe("");
        const late = await t.connect();
        await late.subscribe(t.topic());
        await late.quiet();
      },
    );
  }
  clause(
    { v4: "3.3.1-12", v5: "3.3.1-8" },
    "a message without retain neither is kept nor replaces what is",
    async (t) => {
      const client = await t.connect();
      await client.publish({ topic: t.topic("a"), payload: "passing", qos: 1 });
      await client.publish({ topic: t.topic("b"), payload: "kept", qos: 1, retain: true });
      await client.publish({ topic: t.topic("b"), payload: "passing", qos: 1 });
      await client.publish({ topic: t.topic("b"), payload: "", qos: 1 });
      await client.subscribe(t.topic("+"));
      expect(await client.message()).toMatchObject({ topic: t.topic("b"), payload: "kept" });
      await client.quiet();
    },
  );
  clause(
    { v4: "3.3.1-6", v5: "3.3.1-9" },
    "a wildcard receives each matching topic's retained message",
    async (t) => {
      const client = await t.connect();
      const names = ["a", "a/b", "a/b/c", "b"];
      for (const payload of names)
        await client.publish({ topic: t.topic(payload), payload, qos: 1, retain: true });
      await client.subscribe(t.topic("a/#"));
      const seen = [];
      for (let n = 0; n < 3; n++) seen.push((await client.message()).payload);
      expect(seen.sort()).toEqual(["a", "a/b", "a/b/c"]);
      await client.quiet();
    },
  );
  clause(
    { v4: "3.8.4-3", v5: "3.8.4-3, 3.3.1-9" },
    "subscribing again sends the retained message again",
    async (t) => {
      const client = await t.connect();
      await client.publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
      for (let n = 0; n < 2; n++) {
        await client.subscribe({ filter: t.topic(), qos: n });
        expect((await client.message()).payload).toBe("kept");
      }
    },
  );
  clause(
    { v4: "3.8.4-6", v5: "3.8.4-8" },
    "retained messages come with the lower of the two QoS",
    async (t) => {
      const client = await t.connect();
      await client.publish({ topic: t.topic(), payload: "kept", qos: 2, retain: true });
      for (const qos of [0, 1, 2]) {
        await client.subscribe({ filter: t.topic(), qos });
        expect((await client.message()).qos).toBe(qos);
      }
    },
  );
  clause({ v5: "3.3.2-4, 3.3.2-17, 3.3.2-20" }, "a retained message keeps its properties", async (t) => {
    const client = await t.connect();
    const properties = [property("contentType", "text/plain"), property("userProperty", "unit", "hPa")];
    await client.publish({ topic: t.topic(), payload: "1013", qos: 1, retain: true, properties });
    await client.subscribe(t.topic());
    expect((await client.message()).properties).toMatchObject({
      contentType: "text/plain",
      userProperties: [["unit", "hPa"]],
    });
  });
  clause(
    { v4: "3.3.1-6", v5: "3.3.1-9" },
    "clients of the other version receive retained messages too",
    async (t) => {
      await (await t.connect()).publish({ topic: t.topic(), payload: "kept", qos: 1, retain: true });
      const other = await t.connect({}, t.version === 4 ? 5 : 4);
      await other.subscribe(t.topic());
      expect(await other.message()).toMatchObject({ payload: "kept", retain: true });
    },
  );
};
