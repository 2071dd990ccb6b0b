import { expect } from "vitest";
import type { Chapter } from "../suite.js";
import { framed, prefixed, u8, u16, varint } from "../wire/bytes.js";
import { type Property, property } from "../wire/properties.js";
import * as reason from "../wire/reasons.js";

const { MALFORMED } = reason;

/** The properties of CONNECT and CONNACK: MQTT 5.0 sections 3.1.2.11 and 3.2.2.3. */
export const connectingV5: Chapter = (clause) => {
  const refusedWith = (clauses: string, title: string, ...properties: Property[]) =>
    clause({ v5: clauses }, `CONNECT with ${title} is refused`, async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), properties }));
      await client.refused(...MALFORMED);
    });

  refusedWith(
    "3.1.2.11.2",
    "two session expiry intervals",
    property("sessionExpiry", 1),
    property("sessionExpiry", 1),
  );
  refusedWith(
    "3.1.2.11.3",
    "two receive maximums",
    property("receiveMaximum", 9),
    property("receiveMaximum", 9),
  );
  refusedWith("3.1.2.11.3", "a receive maximum of 0", property("receiveMaximum", 0));
  refusedWith("3.1.2.11.4", "a maximum packet size of 0", property("maximumPacketSize", 0));
  refusedWith(
    "3.1.2.11.4",
    "two maximum packet sizes",
    property("maximumPacketSize", 999),
    property("maximumPacketSize", 999),
  );
  refusedWith(
    "3.1.2.11.5",
    "two topic alias maximums",
    property("topicAliasMaximum", 9),
    property("topicAliasMaximum", 9),
  );
  refusedWith("3.1.2.11.6", "request response information 2", property("requestResponseInformation", 2));
  refusedWith(
    "3.1.2.11.6",
    "request response information twice",
    property("requestResponseInformation", 1),
    property("requestResponseInformation", 1),
  );
  refusedWith("3.1.2.11.7", "request problem information 2", property("requestProblemInformation", 2));
  refusedWith(
    "3.1.2.11.7",
    "request problem information twice",
    property("requestProblemInformation", 1),
    property("requestProblemInformation", 1),
  );
  refusedWith("3.1.2.11.10", "authentication data but no method", property("authData", Buffer.from("x")));
  refusedWith("2.2.2.2, 4.13.1-1", "an unknown property", Buffer.from([0x7f, 0x00]));
  refusedWith("2.2.2.2, 4.13.1-1", "a property of PUBLISH", property("contentType", "text"));
  refusedWith("2.2.2.2, 4.13.1-1", "a property of CONNACK", property("maximumQos", 1));

  const refusedWill = (clauses: string, title: string, ...properties: Property[]) =>
    clause({ v5: clauses }, `a will with ${title} is refused`, async (t) => {
      const client = await t.dial();
      client.send(t.p.connect({ ...t.fields(), will: { topic: t.topic(), properties } }));
      await client.refused(...MALFORMED);
    });
  refusedWill("3.1.3.2.2", "two delays", property("willDelay", 1), property("willDelay", 1));
  refusedWill("3.1.3.2.3", "payload format 2", property("payloadFormat", 2));
  refusedWill("3.1.3.2.5", "two content types", property("contentType", "a"), property("contentType", "a"));
  refusedWill("2.2.2.2", "a property of CONNECT", property("receiveMaximum", 5));

  clause({ v5: "2.2.2-1, 4.13.1-1" }, "properties longer than their packet end the connection", async (t) => {
    const client = await t.dial();
    client.send(framed(1, 0, prefixed("MQTT"), u8(5), u8(2), u16(60), varint(200), prefixed(t.clientId())));
    await client.refused(...MALFORMED);
  });
  clause(
    { v5: "2.2.2-1, 4.13.1-1" },
    "a property cut off by the property length ends the connection",
    async (t) => {
      const client = await t.dial();
      client.send(
        framed(1, 0, prefixed("MQTT"), u8(5), u8(2), u16(60), varint(2), u8(0x11), u8(0), prefixed("")),
      );
      await client.refused(...MALFORMED);
    },
  );
  clause({ v5: "3.1.2.11.8" }, "user properties may be repeated", async (t) => {
    const properties = [property("userProperty", "a", "1"), property("userProperty", "a", "2")];
    await t.connect({ properties });
  });
  clause({ v5: "4.12.0-1" }, "an unknown authentication method is refused", async (t) => {
    const client = await t.dial();
    client.send(t.p.connect({ ...t.fields(), properties: [property("authMethod", "riddle")] }));
    const code = await client.ended();
    if (code !== undefined) expect([reason.BAD_AUTHENTICATION_METHOD, reason.NOT_AUTHORIZED]).toContain(code);
  });
  clause({ v5: "4.12.0-6" }, "CONNACK names no authentication method that CONNECT did not", async (t) => {
    const { properties } = (await t.connect()).connack ?? {};
    expect(properties).not.toHaveProperty("authMethod");
    expect(properties).not.toHaveProperty("authData");
  });
  clause(
    { v5: "4.12.0-7" },
    "AUTH without an authentication method in CONNECT ends the connection",
    async (t) => {
      const client = await t.connect();
      client.send(t.p.auth(0x19, [property("authMethod", "riddle")]));
      await client.refused(...MALFORMED);
    },
  );
  clause({ v5: "3.15.1-1" }, "AUTH with reserved header flags ends the connection", async (t) => {
    const client = await t.connect();
    client.send(framed(15, 1, u8(0x19), u8(0)));
    await client.refused(...MALFORMED);
  });
  clause({ v5: "3.1.2-28" }, "no response information comes unasked", async (t) => {
    expect((await t.connect()).connack?.properties).not.toHaveProperty("responseInformation");
    const refusing = await t.connect({ properties: [property("requestResponseInformation", 0)] });
    expect(refusing.connack?.properties).not.toHaveProperty("responseInformation");
  });
  clause({ v5: "3.2.2.3" }, "what CONNACK says of the server is within its limits", async (t) => {
    const { properties } = (await t.connect()).connack ?? {};
    for (const flag of [properties?.maximumQos, properties?.retainAvailable, properties?.sharedAvailable]) {
      expect([undefined, 0, 1]).toContain(flag);
    }
    expect(properties?.receiveMaximum).not.toBe(0);
    expect(properties?.maximumPacketSize).not.toBe(0);
    expect(properties).not.toHaveProperty("assignedClientId");
  });
  clause({ v5: "3.2.2-19" }, "CONNACK stays within the client's maximum packet size", async (t) => {
    const client = await t.dial();
    const properties = [property("maximumPacketSize", 20)];
    client.send(t.p.connect({ ...t.fields(), password: "wrong", properties }));
    const { properties: sent } = await client.expect("connack");
    expect(sent.reasonString ?? "").toHaveLength(0);
    expect(sent.userProperties).toEqual([]);
  });
};
