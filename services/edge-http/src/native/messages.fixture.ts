import { create } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { encoded, until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "./native.fixture.js";

const test = { ns: "test" };

/** Shows plain messages of namespace test, by topic, from a position on. */
export async function showsMessages(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const MESSAGES = "/v1/namespaces/{ns}/messages";
  const ask = async (query: string) => (await call("get", MESSAGES, test, { query })).json;
  const { next: start } = await ask("?after=latest");
  const send = (topic: string, payload: Uint8Array, more = {}) => {
    const publication = { topic, qos: 1, retain: true, ...more };
    const at = BigInt(Date.now());
    const signal = create(signals.SignalSchema, {
      ...{ device: "key:7", receivedAt: at, occurredAt: at, publication },
      body: { case: "message", value: { payload } },
    });
    return native.log.signals.append("test", encoded(signal));
  };
  const userProperties = [
    { key: "a", value: "1" },
    { key: "a", value: "2" },
  ];
  await send("tele/plug/STATE", Buffer.from('{"on":"ü"}'), {
    contentType: "application/json",
    userProperties,
  });
  await send("tele/lamp/STATE", new Uint8Array([0xff, 0x00]));
  const last = await send("zigbee/door", new Uint8Array());
  await until("the last one is there", async () => {
    const { messages } = await ask(`?after=${last - 1}`);
    return (messages as Json[]).length === 1;
  });
  expect((await ask(`?after=${start}`))["messages"]).toMatchObject([
    {
      ...{
        topic: "tele/plug/STATE",
        device: "key:7",
        qos: 1,
        retain: true,
        contentType: "application/json",
      },
      userProperties: [
        ["a", "1"],
        ["a", "2"],
      ],
      payload: '{"on":"ü"}',
    },
    { topic: "tele/lamp/STATE", contentType: null, userProperties: [], payloadBase64: "/wA=" },
    { topic: "zigbee/door", payload: "", position: last },
  ]);
  const topics = async (query: string) =>
    ((await ask(query))["messages"] as Json[]).map(({ topic }) => topic);
  expect(await topics(`?after=${start}&topic=${encodeURIComponent("tele/+/STATE")}`)).toHaveLength(2);
  expect(await topics(`?after=${start}&topic=${encodeURIComponent("zigbee/#")}`)).toEqual(["zigbee/door"]);
  const page = await ask(`?after=${start}&limit=2`);
  expect(await topics(`?after=${page["next"]}`)).toEqual(["zigbee/door"]);
  expect((await ask(`?after=${last}`))["next"]).toBe(null);
  const bad = await call("get", MESSAGES, test, { query: `?topic=${encodeURIComponent("a/#/b")}` });
  expect([bad.status, bad.json["errors"]]).toMatchObject([400, [{ field: "topic" }]]);
  expect((await call("get", MESSAGES, test, { query: "?after=soon" })).status).toBe(400);
}
