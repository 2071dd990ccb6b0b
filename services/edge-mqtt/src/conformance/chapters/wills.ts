import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Case, Chapter } from "../suite.js";
import { framed } from "../wire/bytes.js";
import { property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

/** Wills: sections 3.1.2.5 to 3.1.2.7, 3.1.3.2, 3.14.4. */
export const wills: Chapter = (clause) => {
  const watching = async (t: Case, qos = 2) => {
    const watcher = await t.connect();
    await watcher.subscribe({ filter: t.topic(), qos });
    return watcher;
  };
  clause(
    { v4: "3.1.2-8", v5: "3.1.2-7, 3.1.2-8" },
    "a will is published when the connection fails",
    async (t) => {
      const watcher = await watching(t);
      const client = await t.connect({ will: { topic: t.topic(), payload: "failed" } });
      await watcher.quiet(100);
      client.drop();
      expect(await watcher.message()).toMatchObject({ topic: t.topic(), payload: "failed", qos: 0 });
      await watcher.quiet();
    },
  );
  clause(
    { v4: "3.14.4-3, 3.1.2-10", v5: "3.14.4-3, 3.1.2-10" },
    "a will is not published after DISCONNECT",
    async (t) => {
      const watcher = await watching(t);
      const client = await t.connect({ will: { topic: t.topic() } });
      await client.disconnect();
      await watcher.quiet(500);
    },
  );
  clause({ v5: "3.14.2.1, 3.1.2-8" }, "a will is published after DISCONNECT with reason 0x04", async (t) => {
    const watcher = await watching(t);
    const client = await t.connect({ will: { topic: t.topic(), payload: "bye" } });
    await client.disconnect(0x04);
    expect((await watcher.message()).payload).toBe("bye");
  });
  clause(
    { v4: "3.1.2-8", v5: "3.1.2-8" },
    "a will is published when the server ends the connection for an error",
    async (t) => {
      const watcher = await watching(t);
      const client = await t.connect({ will: { topic: t.topic(), payload: "error" } });
      client.send(framed(0, 0));
      await client.refused(...reason.MALFORMED);
      expect((await watcher.message()).payload).toBe("error");
    },
  );
  clause(
    { v4: "3.1.2-8, 3.1.2-24", v5: "3.1.2-8, 3.1.2-22" },
    "a will is published when the keep alive has passed",
    async (t) => {
      const watcher = await watching(t);
      await t.connect({ keepAlive: 1, will: { topic: t.topic(), payload: "silent" } });
      expect((await watcher.message()).payload).toBe("silent");
    },
  );
  for (const qos of [0, 1, 2]) {
    clause(
      { v4: "3.1.2-9, 3.1.2-14", v5: "3.1.2-9, 3.1.2-12" },
      `a will of QoS ${qos} is published with it`,
      async (t) => {
        const watcher = await watching(t);
        (await t.connect({ will: { topic: t.topic(), payload: "x", qos } })).drop();
        expect(await watcher.message()).toMatchObject({ payload: "x", qos });
      },
    );
  }
  clause({ v4: "3.1.2-17", v5: "3.1.2-15" }, "a will with retain is kept", async (t) => {
    const watcher = await watching(t);
    (await t.connect({ will: { topic: t.topic(), payload: "last", qos: 1, retain: true } })).drop();
    expect(await watcher.message()).toMatchObject({ payload: "last", retain: false });
    const late = await t.connect();
    await late.subscribe(t.topic());
    expect(await late.message()).toMatchObject({ payload: "last", retain: true });
  });
  clause({ v4: "3.1.2-16", v5: "3.1.2-14" }, "a will without retain is not kept", async (t) => {
    const watcher = await watching(t);
    (await t.connect({ will: { topic: t.topic(), payload: "last", qos: 1 } })).drop();
    await watcher.message();
    const late = await t.connect();
    await late.subscribe(t.topic());
    await late.quiet();
  });
  clause({ v4: "3.1.2-12", v5: "3.1.2.5" }, "who has no will has none published", async (t) => {
    const watcher = await watching(t);
    const clientId = t.clientId();
    const first = await t.connect({ clientId, will: { topic: t.topic() } });
    await first.disconnect();
    (await t.connect({ clientId })).drop();
    await watcher.quiet(500);
  });
  clause({ v4: "3.1.3.3", v5: "3.1.3.4" }, "a will may be empty", async (t) => {
    const watcher = await watching(t);
    (await t.connect({ will: { topic: t.topic(), payload: "" } })).drop();
    expect((await watcher.message()).payload).toBe("");
  });
  clause(
    { v4: "3.1.2-8, 3.1.4-2", v5: "3.1.2-8, 3.1.4-3" },
    "a will is published when another connection takes over",
    async (t) => {
      const watcher = await watching(t);
      const clientId = t.clientId();
      await t.connect({ clientId, will: { topic: t.topic(), payload: "over" } });
      await t.connect({ clientId });
      expect((await watcher.message()).payload).toBe("over");
      await watcher.quiet();
    },
  );
  clause({ v5: "3.1.2-9, 3.1.3-10" }, "a will's properties are published with it", async (t) => {
    const watcher = await watching(t);
    const properties = [
      property("payloadFormat", 1),
      property("contentType", "text/plain"),
      property("responseTopic", "answer"),
      property("correlationData", Buffer.from("42")),
      property("userProperty", "b", "1"),
      property("userProperty", "a", "2"),
    ];
    (await t.connect({ will: { topic: t.topic(), properties } })).drop();
    expect((await watcher.message()).properties).toMatchObject({
      payloadFormat: 1,
      contentType: "text/plain",
      responseTopic: "answer",
      correlationData: Buffer.from("42"),
      userProperties: [
        ["b", "1"],
        ["a", "2"],
      ],
    });
  });
  clause({ v5: "3.1.2-8, 3.1.3.2.2" }, "a delayed will is published after its delay", async (t) => {
    const watcher = await watching(t);
    const will = { topic: t.topic(), payload: "later", properties: [property("willDelay", 2)] };
    (await t.connect({ keep: true, will })).drop();
    await watcher.quiet(1_200);
    expect((await watcher.message(6_000)).payload).toBe("later");
  });
  clause({ v5: "3.1.3-9" }, "who comes back before the delay has passed has no will published", async (t) => {
    const watcher = await watching(t);
    const clientId = t.clientId();
    const will = { topic: t.topic(), properties: [property("willDelay", 1)] };
    (await t.connect({ clientId, keep: true, will })).drop();
    await sleep(200);
    await t.connect({ clientId, keep: true });
    await watcher.quiet(3_000);
  });
  clause(
    { v5: "3.1.2-8, 3.1.3.2.2" },
    "a delayed will is published when the session ends before",
    async (t) => {
      const watcher = await watching(t);
      const will = { topic: t.topic(), payload: "end", properties: [property("willDelay", 300)] };
      (await t.connect({ will })).drop();
      expect((await watcher.message()).payload).toBe("end");
    },
  );
  clause(
    { v5: "3.1.2-8, 3.1.3.2.2" },
    "a delayed will is published when the session is discarded by a clean start",
    async (t) => {
      const watcher = await watching(t);
      const clientId = t.clientId();
      const will = { topic: t.topic(), payload: "discarded", properties: [property("willDelay", 300)] };
      (await t.connect({ clientId, keep: true, will })).drop();
      await sleep(200);
      await t.connect({ clientId });
      expect((await watcher.message()).payload).toBe("discarded");
    },
  );
  clause({ v5: "3.14.4-3" }, "DISCONNECT also discards a delayed will", async (t) => {
    const watcher = await watching(t);
    const will = { topic: t.topic(), properties: [property("willDelay", 1)] };
    await (await t.connect({ keep: true, will })).disconnect();
    await watcher.quiet(2_500);
  });
};
