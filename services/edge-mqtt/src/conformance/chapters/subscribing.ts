import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { framed, prefixed, u8, u16 } from "../wire/bytes.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** Filters that match, and topics that they do not match: section 4.7.1. */
const MATCHING: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["a/b", ["a/b"], ["a", "a/b/c", "a/B", "A/b"]],
  ["a/#", ["a", "a/", "a/b", "a/b/c/d"], ["ab", "b/a"]],
  ["a/+", ["a/b", "a/"], ["a", "a/b/c"]],
  ["+/b", ["a/b", "/b"], ["b", "a/b/c"]],
  ["a/+/c", ["a/b/c", "a//c"], ["a/c", "a/b/b/c"]],
  ["+/+", ["a/b", "/b", "a/", "/"], ["a", "a/b/c"]],
  ["/+", ["/a", "/"], ["a", "a/b"]],
  ["a/+/#", ["a/b", "a/b/c", "a//"], ["a"]],
  ["+/#", ["a", "a/b", "/"], []],
];

/** SUBSCRIBE as both versions have it: sections 3.8, 3.9, 4.7. */
export const subscribing: Chapter = (clause) => {
  clause(
    { v4: "3.8.4-1, 3.8.4-2, 2.3.1-7", v5: "3.8.4-1, 3.8.4-2, 2.2.1-6" },
    "SUBSCRIBE is answered by SUBACK with its identifier",
    async (t) => {
      const client = await t.connect();
      for (const id of [1, 4711, 65_535]) {
        client.send(t.p.subscribe(id, [{ filter: t.topic() }]));
        expect(await client.expect("suback")).toMatchObject({ id, codes: [0] });
      }
    },
  );
  clause(
    { v4: "3.8.4-4, 3.8.4-5, 3.9.3-1", v5: "3.8.4-5, 3.8.4-6, 3.8.4-7, 3.9.3-1, 3.9.3-2" },
    "each filter has its code, in order",
    async (t) => {
      const client = await t.connect();
      const filters = [2, 0, 1, 2].map((qos, n) => ({ filter: t.topic(`${n}`), qos }));
      expect(await client.subscribe(filters)).toEqual([2, 0, 1, 2]);
    },
  );
  clause({ v4: "3.8.3-3", v5: "3.8.3-2" }, "SUBSCRIBE without a filter ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, []));
    await client.refused(...MALFORMED);
  });
  clause({ v4: "2.3.1-1", v5: "2.2.1-3" }, "SUBSCRIBE with identifier 0 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(0, [{ filter: t.topic() }]));
    await client.refused(...MALFORMED);
  });
  clause({ v4: "3.8.3-4", v5: "3.8.3" }, "a subscription of QoS 3 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, [{ filter: t.topic(), qos: 3 }]));
    await client.refused(...MALFORMED);
  });
  for (const bit of [2, 3, 4, 5, 6, 7]) {
    const v4 = "3.8.3-4";
    clause(
      bit < 6 ? { v4 } : { v4, v5: "3.8.3-5" },
      `the reserved bit ${bit} of the options ends the connection`,
      async (t) => {
        const client = await t.connect();
        client.send(t.p.subscribe(1, [{ filter: t.topic(), flipOptions: 1 << bit }]));
        await client.refused(...MALFORMED);
      },
    );
  }
  clause(
    { v4: "3.8.3-3, 4.8.0-1", v5: "3.8.3, 4.13.1-1" },
    "a filter without options ends the connection",
    async (t) => {
      const client = await t.connect();
      const properties = t.version === 5 ? [u8(0)] : [];
      client.send(framed(8, 2, u16(1), ...properties, prefixed(t.topic())));
      await client.refused(...MALFORMED);
    },
  );
  for (const [number, filter] of [
    ["2", "a/#/b"],
    ["2", "a#"],
    ["2", "#b"],
    ["2", "##"],
    ["3", "a+"],
    ["3", "+a/b"],
    ["3", "a/b+/c"],
    ["3", "++"],
  ] as const) {
    const v5 = `4.7.1-${Number(number) - 1}`;
    clause({ v4: `4.7.1-${number}`, v5 }, `the filter ${filter} is refused`, async (t) => {
      const client = await t.connect();
      client.send(t.p.subscribe(1, [{ filter }]));
      const answer = await client.next().catch(() => undefined);
      if (!answer) return expect(client.open).toBe(false);
      if (answer.type === "suback")
        expect(answer.codes).toEqual([t.version === 5 ? reason.INVALID_FILTER : 0x80]);
      else expect(answer).toMatchObject({ type: "disconnect" });
    });
  }
  clause({ v4: "4.7.3-1", v5: "4.7.3-1" }, "an empty filter is refused", async (t) => {
    const client = await t.connect();
    client.send(t.p.subscribe(1, [{ filter: "" }]));
    const answer = await client.next().catch(() => undefined);
    if (answer?.type === "suback") expect(answer.codes[0]).toBeGreaterThanOrEqual(0x80);
  });
  for (const [filter, matching, others] of MATCHING) {
    clause(
      { v4: "4.7.1-2, 4.7.1-3, 3.3.2-3", v5: "4.7.1-1, 4.7.1-2, 3.3.2-3" },
      `${filter} matches what it should`,
      async (t) => {
        const [client, watcher] = [await t.connect(), await t.connect()];
        await watcher.subscribe({ filter: t.topic(filter), qos: 1 });
        for (const name of others) await client.publish({ topic: t.topic(name), qos: 1 });
        for (const name of matching) {
          // "a/#" under a prefix also stands for the prefix's own level.
          await client.publish({ topic: t.topic(name), payload: name, qos: 1 });
          expect(await watcher.message()).toMatchObject({ topic: t.topic(name), payload: name });
        }
        await watcher.quiet(50);
      },
    );
  }
  clause({ v4: "4.7.1-3", v5: "4.7.1-2" }, "a wildcard may be the first level", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    const [, own] = t.topic("x").split("/");
    const tail = `${t.clientId()}/${own}`;
    await watcher.subscribe(`+/${tail}`);
    await client.publish({ topic: `first/${tail}`, payload: "1" });
    expect((await watcher.message()).topic).toBe(`first/${tail}`);
  });
  clause(
    { v4: "4.7.2-1", v5: "4.7.2-1" },
    "a filter that begins with a wildcard matches no topic that begins with $",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      const tail = t.clientId();
      await watcher.subscribe([{ filter: `+/${tail}` }, { filter: `+/${tail}/#` }]);
      client.send(t.p.publish({ topic: `$own/${tail}`, payload: "hidden" }));
      const other = await t.connect();
      await other.publish({ topic: `own/${tail}`, payload: "shown" });
      const seen = [(await watcher.message()).topic];
      await watcher.quiet().catch(async () => seen.push((await watcher.message()).topic));
      expect(seen).not.toContain(`$own/${tail}`);
    },
  );
  clause(
    { v4: "4.7.3-4", v5: "4.7.3-4" },
    "topics are compared byte by byte: case, spaces and composition count",
    async (t) => {
      const client = await t.connect();
      await client.subscribe(t.topic("caf\u00E9"));
      for (const name of ["cafe\u0301", "Caf\u00E9", "caf\u00E9 ", " caf\u00E9", "caf%C3%A9"]) {
        await client.publish({ topic: t.topic(name), payload: "other" });
      }
      await client.publish({ topic: t.topic("caf\u00E9"), payload: "same" });
      expect((await client.message()).payload).toBe("same");
    },
  );
  clause(
    { v4: "3.3.5-1", v5: "3.3.4-2" },
    "overlapping subscriptions deliver with the highest QoS among them",
    async (t) => {
      const [client, watcher] = [await t.connect(), await t.connect()];
      await watcher.subscribe([
        { filter: t.topic("#") },
        { filter: t.topic("+"), qos: 2 },
        { filter: t.topic("a"), qos: 1 },
      ]);
      await client.publish({ topic: t.topic("a"), qos: 2 });
      await client.publish({ topic: t.topic("end/end"), payload: "end" });
      const seen: number[] = [];
      for (
        let message = await watcher.message();
        message.payload !== "end";
        message = await watcher.message()
      ) {
        seen.push(message.qos);
      }
      expect(Math.max(...seen)).toBe(2);
    },
  );
  clause({ v4: "3.8.4-3", v5: "3.8.4-3" }, "the same filter again replaces the subscription", async (t) => {
    const [client, watcher] = [await t.connect(), await t.connect()];
    await watcher.subscribe({ filter: t.topic(), qos: 0 });
    expect(await watcher.subscribe({ filter: t.topic(), qos: 2 })).toEqual([2]);
    await client.publish({ topic: t.topic(), payload: "up", qos: 2 });
    expect(await watcher.message()).toMatchObject({ payload: "up", qos: 2 });
    expect(await watcher.subscribe({ filter: t.topic(), qos: 0 })).toEqual([0]);
    await client.publish({ topic: t.topic(), payload: "down", qos: 2 });
    expect(await watcher.message()).toMatchObject({ payload: "down", qos: 0 });
    await watcher.quiet();
  });
  clause(
    { v4: "3.8.4-4", v5: "3.8.4-5" },
    "a filter twice in one SUBSCRIBE: the later one counts",
    async (t) => {
      const client = await t.connect();
      const twice = [
        { filter: t.topic(), qos: 2 },
        { filter: t.topic(), qos: 1 },
      ];
      expect(await client.subscribe(twice)).toEqual([2, 1]);
      await client.publish({ topic: t.topic(), qos: 2 });
      expect((await client.message()).qos).toBe(1);
      await client.quiet();
    },
  );
  clause({ v4: "3.8.4-1", v5: "3.8.4-1" }, "a client receives what it publishes itself", async (t) => {
    const client = await t.connect();
    await client.subscribe({ filter: t.topic(), qos: 1 });
    await client.publish({ topic: t.topic(), payload: "echo", qos: 1 });
    expect((await client.message()).payload).toBe("echo");
  });
  clause(
    { v4: "4.5.0-1", v5: "4.5.0-1" },
    "every subscriber receives the message, in either version",
    async (t) => {
      const watchers = [await t.connect({}, 4), await t.connect({}, 5), await t.connect()];
      for (const watcher of watchers) await watcher.subscribe({ filter: t.topic(), qos: 1 });
      await (await t.connect()).publish({ topic: t.topic(), payload: "all", qos: 1 });
      for (const watcher of watchers) expect((await watcher.message()).payload).toBe("all");
    },
  );
};
