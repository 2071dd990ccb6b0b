import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { NOT_AUTHORIZED, V3_FAILURE, V3_NOT_AUTHORIZED } from "../wire/reasons.js";

/** What a server does that does not permit something: sections 3.3.5 of 3.1.1, 3.3.4 and 5.4.2 of 5.0. */
export const permission: Chapter = (clause) => {
  clause(
    { v4: "3.3.5-2" },
    "a publish that is not permitted is acknowledged or ends the connection, and is not delivered",
    async (t) => {
      const [device, watcher] = [await t.connect(t.target.device), await t.connect()];
      await watcher.subscribe(t.topic());
      device.send(t.p.publish({ topic: t.topic(), qos: 1, id: 3 }));
      const answer = await device.next().catch(() => undefined);
      if (answer) expect(answer).toMatchObject({ type: "puback", id: 3 });
      else expect(device.open).toBe(false);
      await watcher.quiet();
    },
  );
  clause(
    { v4: "3.8.4-5, 3.9.3-2", v5: "3.8.4-7, 3.9.3-2" },
    "a filter that is not permitted is not granted",
    async (t) => {
      const [device, publisher] = [await t.connect(t.target.device), await t.connect()];
      expect(await device.subscribe({ filter: t.topic(), qos: 1 })).toEqual([
        t.version === 5 ? NOT_AUTHORIZED : V3_FAILURE,
      ]);
      await publisher.publish({ topic: t.topic(), qos: 1 });
      await device.quiet();
    },
  );
  clause(
    { v4: "3.1.2-8, 5.4.2", v5: "3.1.2-8, 5.4.2" },
    "a will that is not permitted is not published",
    async (t) => {
      const watcher = await t.connect();
      await watcher.subscribe({ filter: t.topic(), qos: 1 });
      const device = await t.dial();
      device.send(
        t.p.connect({ ...t.fields(t.target.device), will: { topic: t.topic(), payload: "forged", qos: 1 } }),
      );
      const { code } = await device.expect("connack");
      if (code !== 0) expect(code).toBe(t.version === 5 ? NOT_AUTHORIZED : V3_NOT_AUTHORIZED);
      device.drop();
      await watcher.quiet(600);
    },
  );
  clause({ v4: "5.4.2", v5: "5.4.2" }, "a retained message that is not permitted is not kept", async (t) => {
    const device = await t.connect(t.target.device);
    device.send(t.p.publish({ topic: t.topic(), payload: "forged", qos: 1, retain: true }));
    await device.next().catch(() => undefined);
    const reader = await t.connect();
    await reader.subscribe(t.topic());
    await reader.quiet();
  });
};
