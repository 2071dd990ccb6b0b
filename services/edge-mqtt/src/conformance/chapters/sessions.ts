import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

/** What a session keeps, and for how long: sections 3.1.2.4, 3.1.4 and 4.1. */
export const sessions: Chapter = (clause) => {
  clause(
    { v4: "3.2.2-3, 3.1.2-4", v5: "3.2.2-3, 3.1.2-6" },
    "a first connection finds no session",
    async (t) => {
      expect((await t.connect({ keep: true })).connack?.sessionPresent).toBe(false);
    },
  );
  clause(
    { v4: "3.1.2-4, 3.2.2-2", v5: "3.1.2-5, 3.1.2-23, 3.2.2-3" },
    "a kept session is there again",
    async (t) => {
      const clientId = t.clientId();
      await (await t.connect({ clientId, keep: true })).disconnect();
      expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(true);
    },
  );
  clause({ v4: "3.1.2-4", v5: "3.1.2-23" }, "a kept session outlives a connection that fails", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, keep: true });
    await first.subscribe({ filter: t.topic(), qos: 1 });
    first.drop();
    await sleep(100);
    expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(true);
  });
  clause(
    { v4: "3.1.2-6, 3.2.2-1", v5: "3.1.2-4, 3.2.2-2" },
    "a clean start discards the session and its subscriptions",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId, keep: true });
      await first.subscribe({ filter: t.topic(), qos: 1 });
      await first.disconnect();
      const second = await t.connect({ clientId });
      expect(second.connack?.sessionPresent).toBe(false);
      await (await t.connect()).publish({ topic: t.topic(), qos: 1 });
      await second.quiet();
      await second.disconnect();
      expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(false);
    },
  );
  clause(
    { v4: "3.1.2-4", v5: "3.1.2-5, 4.1.0-1" },
    "subscriptions go on when the session does",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId, keep: true });
      await first.subscribe({ filter: t.topic(), qos: 1 });
      await first.disconnect();
      const again = await t.connect({ clientId, keep: true });
      await (await t.connect()).publish({ topic: t.topic(), payload: "on", qos: 1 });
      expect(await again.message()).toMatchObject({ payload: "on", dup: false });
    },
  );
  for (const qos of [1, 2]) {
    clause(
      { v4: "3.1.2-5", v5: "4.5.0-1, 3.1.2-23" },
      `messages of QoS ${qos} wait for a session that is away, in order`,
      async (t) => {
        const clientId = t.clientId();
        const first = await t.connect({ clientId, keep: true });
        await first.subscribe({ filter: t.topic(), qos });
        await first.disconnect();
        const publisher = await t.connect();
        for (let n = 0; n < 15; n++) await publisher.publish({ topic: t.topic(), payload: `${n}`, qos });
        const again = await t.connect({ clientId, keep: true });
        for (let n = 0; n < 15; n++) {
          expect(await again.message()).toMatchObject({ payload: `${n}`, qos, dup: false, retain: false });
        }
        await again.quiet();
      },
    );
  }
  clause(
    { v4: "3.1.2-6", v5: "4.1.0-2, 3.1.2.11.2" },
    "a session that is not kept ends with its connection",
    async (t) => {
      const clientId = t.clientId();
      await (await t.connect({ clientId })).disconnect();
      expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(false);
    },
  );
  clause({ v4: "3.1.2-4", v5: "3.1.2-5" }, "what was unsubscribed stays so in the session", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, keep: true });
    await first.subscribe({ filter: t.topic(), qos: 1 });
    await first.unsubscribe(t.topic());
    await first.disconnect();
    await (await t.connect()).publish({ topic: t.topic(), qos: 1 });
    await (await t.connect({ clientId, keep: true })).quiet();
  });
  clause(
    { v4: "3.1.2.7", v5: "4.1" },
    "retained messages outlive the session that published them",
    async (t) => {
      const publisher = await t.connect();
      await publisher.publish({ topic: t.topic(), payload: "stays", qos: 1, retain: true });
      await publisher.disconnect();
      const client = await t.connect();
      await client.subscribe(t.topic());
      expect((await client.message()).payload).toBe("stays");
    },
  );
  clause({ v5: "4.1.0-2" }, "a session is gone when its expiry interval has passed", async (t) => {
    const clientId = t.clientId();
    const short = { clientId, clean: false, properties: [property("sessionExpiry", 1)] };
    await (await t.connect(short)).disconnect();
    const again = await t.connect(short);
    expect(again.connack?.sessionPresent).toBe(true);
    await again.disconnect();
    await sleep(2_500);
    expect((await t.connect(short)).connack?.sessionPresent).toBe(false);
  });
  clause(
    { v5: "3.1.2-4, 3.1.2-23" },
    "a session that began clean is kept for its expiry interval",
    async (t) => {
      const clientId = t.clientId();
      await (await t.connect({ clientId, properties: [property("sessionExpiry", 60)] })).disconnect();
      expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(true);
    },
  );
  clause({ v5: "3.1.2.11.2" }, "the longest expiry interval is accepted", async (t) => {
    const clientId = t.clientId();
    await (await t.connect({ clientId, properties: [property("sessionExpiry", 0xffffffff)] })).disconnect();
    expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(true);
  });
  clause({ v5: "3.14.2.2.2" }, "DISCONNECT can end the session at once", async (t) => {
    const clientId = t.clientId();
    await (await t.connect({ clientId, keep: true })).disconnect(0, [property("sessionExpiry", 0)]);
    expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(false);
  });
  clause({ v5: "3.14.2.2.2" }, "DISCONNECT can lengthen the session", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, properties: [property("sessionExpiry", 1)] });
    await first.disconnect(0, [property("sessionExpiry", 60)]);
    await sleep(2_500);
    expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(true);
  });
  clause(
    { v5: "3.14.2.2.2" },
    "DISCONNECT cannot keep a session that was to end with the connection",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId });
      first.send(t.p.disconnect(0, [property("sessionExpiry", 60)]));
      await first.refused(...reason.MALFORMED);
      expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(false);
    },
  );

  clause(
    { v4: "3.1.4-2", v5: "3.1.4-3" },
    "a second connection takes the client identifier over",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId, keep: true });
      await first.subscribe({ filter: t.topic(), qos: 1 });
      const second = await t.connect({ clientId, keep: true });
      expect(second.connack?.sessionPresent).toBe(true);
      await first.refused(reason.TAKEN_OVER);
      await (await t.connect()).publish({ topic: t.topic(), payload: "here", qos: 1 });
      expect((await second.message()).payload).toBe("here");
    },
  );
  clause({ v5: "3.1.4-3" }, "the connection that is taken over is told so", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId });
    await t.connect({ clientId });
    expect(await first.ended()).toBe(reason.TAKEN_OVER);
  });
  clause(
    { v4: "3.1.4-2, 4.4.0-1", v5: "3.1.4-3, 4.4.0-1" },
    "what the connection before left unacknowledged comes to the one that takes over",
    async (t) => {
      const clientId = t.clientId();
      const first = await t.connect({ clientId, keep: true });
      await first.subscribe({ filter: t.topic(), qos: 1 });
      await (await t.connect()).publish({ topic: t.topic(), payload: "held", qos: 1 });
      const { id } = await first.expect("publish");
      const second = await t.connect({ clientId, keep: true });
      expect(await second.message()).toMatchObject({ id, payload: "held", dup: true });
    },
  );
  clause({ v4: "3.1.4-2", v5: "3.1.4-3" }, "a client of the other version takes over too", async (t) => {
    const clientId = t.clientId();
    const first = await t.connect({ clientId, keep: true });
    const other = t.version === 4 ? 5 : 4;
    const second = await t.connect({ clientId, keep: true }, other);
    await first.refused(reason.TAKEN_OVER);
    await second.ping();
  });
  clause(
    { v4: "3.1.4-2", v5: "3.1.4-3" },
    "ten connections under one client identifier leave one",
    async (t) => {
      const clientId = t.clientId();
      const clients = [];
      for (let n = 0; n < 10; n++) clients.push(await t.connect({ clientId }));
      for (const client of clients.slice(0, -1)) await client.refused(reason.TAKEN_OVER);
      await clients.at(-1)?.ping();
    },
  );
};
