import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { KEEP_ALIVE_TIMEOUT } from "../wire/reasons.js";

/** Keep alive, PINGREQ and DISCONNECT: sections 3.1.2.10, 3.12, 3.14. */
export const keepAlive: Chapter = (clause) => {
  clause({ v4: "3.12.4-1", v5: "3.12.4-1" }, "PINGREQ is answered by PINGRESP", async (t) => {
    const client = await t.connect();
    for (let n = 0; n < 3; n++) await client.ping();
    await client.quiet();
  });
  clause(
    { v4: "3.1.2-24", v5: "3.1.2-22, 3.2.2-22" },
    "silence of one and a half keep alive periods ends the connection",
    async (t) => {
      const client = await t.connect({ keepAlive: 2 });
      const serverSays = client.connack?.properties.serverKeepAlive ?? 2;
      const begin = performance.now();
      const code = await client.ended();
      expect(performance.now() - begin).toBeGreaterThan(serverSays * 1000);
      if (code !== undefined) expect(code).toBe(KEEP_ALIVE_TIMEOUT);
    },
  );
  clause(
    { v4: "3.1.2-24", v5: "3.1.2-22" },
    "any packet within the keep alive period keeps the connection",
    async (t) => {
      const client = await t.connect({ keepAlive: 2 });
      for (let n = 0; n < 3; n++) {
        await sleep(1_500);
        if (n % 2) await client.ping();
        else await client.publish({ topic: t.topic(), qos: 1 });
      }
      await client.ping();
    },
  );
  clause(
    { v4: "3.1.2.10", v5: "3.1.2.10, 3.2.2-21" },
    "a keep alive of 0 sets no bound of the client's",
    async (t) => {
      const client = await t.connect({ keepAlive: 0 });
      await sleep(2_500);
      await client.ping();
    },
  );
  clause({ v4: "3.14.4", v5: "3.14.4" }, "the server closes after DISCONNECT", async (t) => {
    const client = await t.connect();
    client.send(t.p.disconnect());
    expect(await client.ended()).toBeUndefined();
  });
  clause({ v4: "3.14.4-2", v5: "3.14.4-1" }, "nothing behind DISCONNECT is done", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe(t.topic());
    client.send(t.p.disconnect(), t.p.publish({ topic: t.topic(), payload: "late" }), t.p.pingreq());
    expect(await client.ended()).toBeUndefined();
    await watcher.quiet();
  });
  clause({ v5: "3.14.2.1" }, "DISCONNECT may leave out the properties, or the reason too", async (t) => {
    for (const packet of [t.p.disconnect(), t.p.disconnect(0), t.p.disconnect(0, [])]) {
      const client = await t.connect();
      client.send(packet);
      expect(await client.ended()).toBeUndefined();
    }
  });
};
