import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { framed, prefixed, u8, u16 } from "../wire/bytes.js";
import { property } from "../wire/properties.js";
import { MALFORMED } from "../wire/reasons.js";

/** How packets are framed: sections 1.5 and 2. */
export const format: Chapter = (clause) => {
  clause(
    { v4: "2.2.2-1, 2.2.2-2", v5: "2.1.3-1" },
    "CONNECT with reserved header flags ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), fixedFlags: 1 }));
      await client.refused(...MALFORMED);
    },
  );
  for (const [type, v4, v5, packet] of [
    ["PUBACK", "2.2.2-2", "2.1.3-1", framed(4, 1, u16(1))],
    ["PUBREC", "2.2.2-2", "2.1.3-1", framed(5, 8, u16(1))],
    ["PUBREL", "3.6.1-1", "3.6.1-1", framed(6, 0, u16(1))],
    ["PUBCOMP", "2.2.2-2", "2.1.3-1", framed(7, 2, u16(1))],
    ["PINGREQ", "2.2.2-2", "2.1.3-1", framed(12, 1)],
    ["DISCONNECT", "3.14.1-1", "3.14.1-1", framed(14, 1)],
  ] as const) {
    clause({ v4, v5 }, `${type} with wrong header flags ends the connection`, async (t) => {
      const client = await t.connect();
      client.send(packet);
      await client.refused(...MALFORMED);
    });
  }
  clause(
    { v4: "3.8.1-1", v5: "3.8.1-1" },
    "SUBSCRIBE with wrong header flags ends the connection",
    async (t) => {
      for (const flags of [0, 3]) {
        const client = await t.connect();
        client.send(t.p.subscribe(1, [{ filter: t.topic() }], [], flags));
        await client.refused(...MALFORMED);
      }
    },
  );
  clause(
    { v4: "3.10.1-1", v5: "3.10.1-1" },
    "UNSUBSCRIBE with wrong header flags ends the connection",
    async (t) => {
      for (const flags of [0, 10]) {
        const client = await t.connect();
        client.send(t.p.unsubscribe(1, [t.topic()], flags));
        await client.refused(...MALFORMED);
      }
    },
  );
  clause(
    { v4: "2.2.1, 4.8.0-1", v5: "2.1.2, 4.13.1-1" },
    "a packet of type 0 ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(framed(0, 0));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v4: "2.2.1, 4.8.0-1" }, "a packet of type 15 ends the connection", async (t) => {
    const client = await t.connect();
    client.send(framed(15, 0));
    await client.refused(...MALFORMED);
  });
  for (const [type, packet] of [
    ["CONNACK", framed(2, 0, u16(0))],
    ["SUBACK", framed(9, 0, u16(1), u8(0))],
    ["UNSUBACK", framed(11, 0, u16(1))],
    ["PINGRESP", framed(13, 0)],
  ] as const) {
    clause(
      { v4: "2.2.1, 4.8.0-1", v5: "2.1.2, 4.13.1-1" },
      `${type} from a client ends the connection`,
      async (t) => {
        const client = await t.connect();
        client.send(packet);
        await client.refused(...MALFORMED);
      },
    );
  }

  clause(
    { v4: "2.2.3", v5: "1.5.5" },
    "a remaining length of more than four bytes ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v5: "1.5.5-1" },
    "a length written with more bytes than it needs ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(Buffer.from([0xc0, 0x80, 0x00]));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "2.2.3, 4.8.0-1", v5: "2.1.4, 4.13.1-1" },
    "PINGREQ with a body ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(framed(12, 0, u8(0)));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "2.2.3, 4.8.0-1", v5: "2.1.4, 4.13.1-1" },
    "a string longer than its packet ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(framed(3, 0, u16(200), Buffer.from("short")));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "2.2.3, 4.8.0-1", v5: "2.1.4, 4.13.1-1" },
    "PUBACK with one byte ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(framed(4, 0, u8(1)));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v4: "4.2", v5: "4.2.0-1" }, "packets that arrive byte by byte are read as one", async (t) => {
    const client = await t.connect();
    await client.subscribe(t.topic());
    for (const byte of t.p.publish({ topic: t.topic(), payload: "drip" })) {
      client.send(u8(byte));
      await new Promise(setImmediate);
    }
    expect((await client.message()).payload).toBe("drip");
  });
  clause(
    { v4: "4.2", v5: "4.2.0-1" },
    "packets that arrive together are read one by one, in order",
    async (t) => {
      const client = await t.connect();
      await client.subscribe(t.topic());
      client.send(t.p.pingreq(), t.p.pingreq(), t.p.unsubscribe(7, [t.topic()]), t.p.pingreq());
      await client.expect("pingresp");
      await client.expect("pingresp");
      expect((await client.pick("unsuback")).id).toBe(7);
      await client.expect("pingresp");
    },
  );
  clause(
    { v4: "2.2.3", v5: "1.5.5, 2.1.4" },
    "payloads pass whole at every length of the length",
    async (t) => {
      const client = await t.connect();
      await client.subscribe(t.topic());
      const around = t.p.publish({ topic: t.topic(), payload: "" }).length - 2;
      for (const remaining of [127, 128, 16_383, 16_384, 100_000]) {
        const payload = "x".repeat(remaining - around);
        await client.publish({ topic: t.topic(), payload });
        expect((await client.message()).payload === payload, `${remaining} bytes`).toBe(true);
      }
    },
  );

  const BAD_TEXT: readonly (readonly [string, string, string, Uint8Array])[] = [
    ["a byte that begins no character", "1.5.3-1", "1.5.4-1", Buffer.from("61ff62", "hex")],
    ["a sequence that breaks off", "1.5.3-1", "1.5.4-1", Buffer.from("61c328", "hex")],
    ["an encoded surrogate", "1.5.3-1", "1.5.4-1", Buffer.from("61eda080", "hex")],
    ["an overlong encoding", "1.5.3-1", "1.5.4-1", Buffer.from("61c0af", "hex")],
    ["a code point beyond U+10FFFF", "1.5.3-1", "1.5.4-1", Buffer.from("61f4908080", "hex")],
    ["U+0000", "1.5.3-2", "1.5.4-2", Buffer.from("610062", "hex")],
  ];
  for (const [what, v4, v5, text] of BAD_TEXT) {
    clause(
      { v4: `${v4}, 3.1.3-4`, v5: `${v5}, 3.1.3-4` },
      `a client identifier with ${what} ends the connection`,
      async (t) => {
        const client = await t.dial();
        client.send(t.p.connect({ ...t.fields(), clientId: text }));
        await client.refused(...MALFORMED, t.version === 4 ? 2 : 0x85);
      },
    );
    clause(
      { v4: `${v4}, 3.3.2-1`, v5: `${v5}, 3.3.2-1` },
      `a topic with ${what} ends the connection`,
      async (t) => {
        const client = await t.connect();
        client.send(t.p.publish({ topic: text, qos: 1 }));
        await client.refused(...MALFORMED, 0x90);
      },
    );
    clause(
      { v4: `${v4}, 3.8.3-1`, v5: `${v5}, 3.8.3-1` },
      `a topic filter with ${what} ends the connection`,
      async (t) => {
        const client = await t.connect();
        client.send(t.p.subscribe(1, [{ filter: text }]));
        await client.refused(...MALFORMED, 0x8f);
      },
    );
  }
  clause(
    { v4: "1.5.3-1, 3.1.3-11", v5: "1.5.4-1, 3.1.3-12" },
    "a user name that is not UTF-8 ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), username: Buffer.from("61ff", "hex") }));
      await client.refused(...MALFORMED, t.version === 4 ? 4 : 0x86);
    },
  );
  clause(
    { v4: "1.5.3-1, 3.10.3-1", v5: "1.5.4-1, 3.10.3-1" },
    "a filter in UNSUBSCRIBE that is not UTF-8 ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(t.p.unsubscribe(1, [Buffer.from("61ff", "hex")]));
      await client.refused(...MALFORMED, 0x8f);
    },
  );
  clause({ v5: "1.5.4-1, 1.5.7" }, "a user property that is not UTF-8 ends the connection", async (t) => {
    const client = await t.connect();
    const properties = [property("userProperty", "name", Buffer.from("61ff", "hex"))];
    client.send(t.p.publish({ topic: t.topic(), properties }));
    await client.refused(...MALFORMED);
  });
  clause({ v4: "1.5.3-3, 4.7.3-4", v5: "1.5.4-3, 4.7.3-4" }, "U+FEFF in a topic is kept", async (t) => {
    const client = await t.connect();
    const topic = `\uFEFF${t.topic()}`;
    await client.subscribe(topic);
    await client.publish({ topic: t.topic(), payload: "without" });
    await client.publish({ topic, payload: "with" });
    expect(await client.message()).toMatchObject({ topic, payload: "with" });
  });
  clause(
    { v4: "1.5.3-1", v5: "1.5.4-1" },
    "characters outside the basic plane pass in topic and payload",
    async (t) => {
      const client = await t.connect();
      const topic = t.topic("\u{1F30D}/\u00E9\u4E2D");
      await client.subscribe(topic);
      client.send(
        framed(3, 0, prefixed(topic), ...(t.version === 5 ? [u8(0)] : []), Buffer.from("\u{1F30A}")),
      );
      expect(await client.message()).toMatchObject({
        topic,
        payload: Buffer.from("\u{1F30A}").toString("latin1"),
      });
    },
  );
};
