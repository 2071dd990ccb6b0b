import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { framed, prefixed, u8, u16 } from "../wire/bytes.js";
import { property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** CONNECT and CONNACK as both versions have them: sections 3.1 and 3.2. */
export const connecting: Chapter = (clause) => {
  for (const [type, packet] of [
    ["PUBLISH", framed(3, 0, prefixed("a"), u8(0))],
    ["SUBSCRIBE", framed(8, 2, u16(1), prefixed("a"), u8(0))],
    ["PINGREQ", framed(12, 0)],
    ["DISCONNECT", framed(14, 0)],
  ] as const) {
    clause(
      { v4: "3.1.0-1", v5: "3.1.0-1" },
      `${type} before CONNECT ends the connection without an answer`,
      async (t) => {
        const client = await t.dial();
        client.send(packet);
        expect(await client.ended()).toBeUndefined();
      },
    );
  }
  clause({ v4: "3.1.0-2", v5: "3.1.0-2" }, "a second CONNECT ends the connection", async (t) => {
    const client = await t.connect();
    client.send(t.p.connect(t.fields()));
    await client.refused(...MALFORMED);
  });
  clause({ v4: "3.1.2-1", v5: "3.1.2-1" }, "another protocol name ends the connection", async (t) => {
    for (const protocolName of ["MQTX", "mqtt", "", "MQTTMQTT"]) {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), protocolName }));
      await client.refused(reason.V3_UNACCEPTABLE_LEVEL, reason.UNSUPPORTED_VERSION, ...MALFORMED);
    }
  });
  clause({ v4: "3.1.2-2" }, "a protocol level below 4 is refused with return code 1", async (t) => {
    for (const level of [0, 1, 2]) {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), level }));
      expect(await client.ended()).toBe(reason.V3_UNACCEPTABLE_LEVEL);
    }
  });
  clause({ v5: "3.1.2-2" }, "an unknown protocol level ends the connection", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ ...t.fields(), level: 6 }));
    // Which version's CONNACK tells so is open.
    await client.ended().catch(() => undefined);
    expect(client.open).toBe(false);
  });
  clause(
    { v4: "3.1.2-3, 3.1.4-1", v5: "3.1.2-3" },
    "the reserved connect flag ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), flipFlags: 0x01 }));
      await client.refused(...(t.version === 5 ? MALFORMED : []));
    },
  );
  clause(
    { v4: "3.1.2-13, 3.1.2-11", v5: "3.1.2-11" },
    "a will QoS without a will ends the connection",
    async (t) => {
      for (const flipFlags of [0x08, 0x10]) {
        const client = await t.dial();
        client.send(t.p.connect({ ...t.fields(), flipFlags }));
        await client.refused(...MALFORMED);
      }
    },
  );
  clause(
    { v4: "3.1.2-15, 3.1.2-11", v5: "3.1.2-13" },
    "will retain without a will ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), flipFlags: 0x20 }));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v4: "3.1.2-14", v5: "3.1.2-12" }, "a will of QoS 3 ends the connection", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ ...t.fields(), will: { topic: t.topic(), qos: 3 } }));
    await client.refused(...MALFORMED);
  });
  clause(
    { v4: "3.1.2-9", v5: "3.1.2-9" },
    "a will flag without a will in the payload ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ clientId: t.clientId(), flipFlags: 0x04 }));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "3.1.2-19", v5: "3.1.2-17" },
    "a user name flag without a user name ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ clientId: t.clientId(), flipFlags: 0x80 }));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "3.1.2-21", v5: "3.1.2-19" },
    "a password flag without a password ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ clientId: t.clientId(), username: "x", flipFlags: 0x40 }));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "3.1.2-18, 3.1.4-1", v5: "3.1.2-16, 3.1.4-1" },
    "a user name that no flag announces ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ clientId: t.clientId(), username: "x", flipFlags: 0x80 }));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v4: "3.1.2-22" }, "a password flag without a user name flag ends the connection", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ clientId: t.clientId(), password: "x" }));
    await client.refused(...MALFORMED);
  });
  clause({ v5: "3.1.2.9" }, "a password without a user name is well-formed", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ clientId: t.clientId(), password: "wrong" }));
    expect((await client.expect("connack")).code).not.toBe(0x81);
  });
  clause(
    { v4: "3.1.4-1", v5: "3.1.4-1" },
    "bytes behind the payload of CONNECT end the connection",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), trailing: Buffer.from("more") }));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "3.1.3-3", v5: "3.1.3-3" },
    "CONNECT without a client identifier field ends the connection",
    async (t) => {
      const client = await t.dial();
      const properties = t.version === 5 ? [u8(0)] : [];
      client.send(framed(1, 0, prefixed("MQTT"), u8(t.version), u8(2), u16(60), ...properties));
      await client.refused(...MALFORMED);
    },
  );
  clause(
    { v4: "3.1.3-5", v5: "3.1.3-5" },
    "client identifiers of 1 and of 23 letters and digits are accepted",
    async (t) => {
      // Another letter in each version: these tests run at once, and of two clients of one name one has to go.
      const letter = t.version === 5 ? "Z" : "Y";
      for (const clientId of [letter, `${Date.now()}${letter}bcXYZ0123456789`.slice(0, 23)]) {
        const client = await t.connect({ clientId });
        await client.disconnect();
      }
    },
  );
  clause(
    { v4: "3.1.3-6", v5: "3.1.3-6, 3.2.2-16" },
    "an empty client identifier gives each client an own one",
    async (t) => {
      const [one, two] = [await t.connect({ clientId: "" }), await t.connect({ clientId: "" })];
      await one.ping();
      await two.ping();
      const given = [one, two].map((client) => client.connack?.properties.assignedClientId);
      if (t.version === 5) expect(new Set(given.filter(Boolean)).size).toBe(2);
      expect(one.connack?.sessionPresent).toBe(false);
    },
  );
  clause({ v5: "3.1.3-7" }, "the assigned client identifier names the session", async (t) => {
    const first = await t.connect({ clientId: "", properties: [property("sessionExpiry", 60)] });
    const clientId = first.connack?.properties.assignedClientId ?? "";
    await first.disconnect();
    expect((await t.connect({ clientId, keep: true })).connack?.sessionPresent).toBe(true);
  });
  clause(
    { v4: "3.1.3-7, 3.1.3-8, 3.2.2-5" },
    "an empty client identifier with a kept session is rejected",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect(t.fields({ clientId: "", clean: false })));
      expect(await client.ended()).toBe(reason.V3_IDENTIFIER_REJECTED);
    },
  );
  clause(
    { v4: "3.1.4-4, 3.2.0-1", v5: "3.1.4-5, 3.2.0-1, 3.2.0-2" },
    "CONNECT is answered by one CONNACK, before anything else",
    async (t) => {
      const client = await t.dial();
      client.send(t.p.connect(t.fields()), t.p.pingreq());
      expect(await client.expect("connack")).toMatchObject({ code: 0, sessionPresent: false });
      await client.expect("pingresp");
      await client.quiet();
    },
  );
  clause(
    { v4: "3.1.4", v5: "3.1.4" },
    "what a client sends without waiting for CONNACK is done",
    async (t) => {
      const client = await t.dial();
      client.send(
        t.p.connect(t.fields()),
        t.p.subscribe(1, [{ filter: t.topic() }]),
        t.p.publish({ topic: t.topic(), payload: "early", qos: 1, id: 2 }),
      );
      await client.expect("connack");
      await client.expect("suback");
      await client.pick("puback");
      expect((await client.message()).payload).toBe("early");
    },
  );
  clause(
    { v4: "3.2.2-4, 3.2.2-5", v5: "3.1.4-2, 3.2.2-6, 3.2.2-7" },
    "wrong credentials are refused, and the connection ends",
    async (t) => {
      for (const credentials of [{ password: "wrong" }, { username: "nobody", password: "wrong" }]) {
        const client = await t.dial();
        client.send(t.p.connect({ ...t.fields(), ...credentials }));
        const { code, sessionPresent } = await client.expect("connack");
        expect(sessionPresent).toBe(false);
        expect(t.version === 5 ? [0x86, 0x87] : [4, 5]).toContain(code);
        await client.ended();
      }
    },
  );
  clause({ v4: "3.2.2-5", v5: "3.1.4-2, 3.2.2-7" }, "a client without credentials is refused", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ clientId: t.clientId() }));
    expect(t.version === 5 ? [0x86, 0x87] : [4, 5]).toContain((await client.expect("connack")).code);
    await client.ended();
  });
  clause({ v4: "3.1.4-5", v5: "3.1.4-6" }, "nothing behind a refused CONNECT is done", async (t) => {
    const refused = await t.dial();
    refused.send(
      t.p.connect({ ...t.fields(), password: "wrong" }),
      t.p.publish({ topic: t.topic(), payload: "smuggled", retain: true }),
    );
    await refused.ended();
    const client = await t.connect();
    await client.subscribe(t.topic());
    await client.quiet();
  });
  clause({ v4: "4.7.1-1", v5: "4.7.0-1" }, "a will topic with a wildcard ends the connection", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ ...t.fields(), will: { topic: t.topic("#") } }));
    await client.refused(...MALFORMED, reason.INVALID_TOPIC);
  });
};
