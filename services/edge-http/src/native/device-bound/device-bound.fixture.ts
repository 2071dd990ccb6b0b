import { RemoteHost } from "@fieldlog/remote";
import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const DEVICE = "/v1/namespaces/{ns}/devices/{device}";
const METHOD = `${DEVICE}/methods/{name}`;

/** Sends a provisioned device a message, and calls it, as the document describes. */
export async function sendsToDevices(native: Native, id: string): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const device = { ns: "test", device: id };
  const send = (query: string, to = device) =>
    call("post", `${DEVICE}/messages`, to, { query, body: { rate: 5 } });
  const sent = await send("?property=unit%3DC%26F&property=note%3D");
  expect(sent.json).toMatchObject({ position: expect.any(Number) });
  const bag = `%24.mid=${sent.json["id"]}&unit=C%26F&note=`;
  const listed = await until("it is in the log", async () => {
    const query = `?topic=${encodeURIComponent("devices/#")}`;
    const { json } = await call("get", "/v1/namespaces/{ns}/messages", { ns: "test" }, { query });
    return (json["messages"] as Json[]).find(({ position }) => position === sent.json["position"]);
  });
  expect(listed).toMatchObject({ payload: '{"rate":5}', device: expect.stringMatching(/^key:/) });
  expect(listed["topic"]).toContain(`:${id}/messages/devicebound/${bag}`);
  for (const wrong of ["?property=none", "?property=%24.mid%3D1", `?property=a%3D${"x".repeat(1_020)}`]) {
    expect((await send(wrong)).status).toBe(400);
  }
  expect((await send("", { ...device, device: "nobody" })).status).toBe(404);

  const blink = (options: Parameters<Native["call"]>[3], name = "blink") =>
    call("post", METHOD, { ...device, name }, options);
  expect((await blink({ body: 3 })).status).toBe(404);
  const release = await answers(native, id);
  expect((await blink({ body: { times: 3 } })).json).toEqual({
    status: 201,
    payload: ["blink", { times: 3 }],
  });
  expect((await blink({ query: "?timeoutMs=50" })).json).toEqual({ status: 201, payload: ["blink", null] });
  expect((await blink({}, "late")).status).toBe(504);
  expect((await blink({}, "busy")).status).toBe(409);
  expect((await blink({}, "text")).status).toBe(502);
  for (const name of ["b%20c", "!remote-access"]) expect((await blink({}, name)).status).toBe(400);
  expect((await blink({ query: "?timeoutMs=60000" })).status).toBe(400);
  release();
}

/** An edge that holds the device's connection. */
async function answers(native: Native, device: string): Promise<() => void> {
  const { namespaces } = (await native.call("get", "/v1/namespaces", {}, {})).json as { namespaces: Json[] };
  const namespace = String(namespaces.find(({ name }) => name === "test")?.["id"]);
  const held = { namespace, device, connection: crypto.randomUUID(), connectedAt: Date.now() };
  const release = new RemoteHost(native.log.connection).hold(held, ({ case: kind, value }) => {
    if (kind !== "callMethod") return undefined;
    if (value.name === "late") return { refused: "the device did not answer in time", unanswered: true };
    if (value.name === "busy") return { refused: "as many calls wait as may" };
    const answer = `["${value.name}",${Buffer.from(value.payload).toString()}]`;
    return { method: { status: 201, payload: Buffer.from(value.name === "text" ? "done" : answer) } };
  });
  await native.log.connection.flush();
  return release;
}
