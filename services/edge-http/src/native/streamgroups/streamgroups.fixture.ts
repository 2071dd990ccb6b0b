import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { CallOptions, Json, Native } from "../native.fixture.js";

const GROUPS = "/v1/namespaces/{ns}/stream-groups";
const STREAMS = "/v1/namespaces/{ns}/streams";
const test = { ns: "test" };

/** Makes a stream, sends messages into it, and reads them back, as the document describes it. */
export async function keepsStreams(native: Native): Promise<void> {
  const call = (method: string, path: string, params: Record<string, string>, options: CallOptions = {}) =>
    native.call(method, path, params, options);
  /** What is given as bytes. */
  const bytes = async (path: string, params: Record<string, string>) => {
    expect((await call("get", path, params)).status).toBe(200);
    const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => params[name] ?? "");
    const headers = { authorization: `Bearer ${native.system.adminKey}` };
    return (await fetch(`${native.system.url}${url}`, { headers })).text();
  };
  const group = { ...test, group: "plant" };
  const stream = { ...group, stream: "press 1" };
  const body = { concatenation: "lines", messagePattern: "{sequenceId}" };
  expect((await call("put", `${GROUPS}/{group}/streams/{stream}`, stream, { body })).status).toBe(204);
  const chosen = { body: { defaultStream: "press 1", defaultGroup: true } };
  expect((await call("put", `${GROUPS}/{group}`, group, chosen)).status).toBe(204);
  expect((await call("get", GROUPS, test)).json).toEqual({
    groups: [
      {
        ...{ name: "plant", defaultStream: "press 1", defaultGroup: true },
        streams: [{ name: "press 1", batchPattern: "", default: true, ...body }],
      },
    ],
  });
  const wrong = { body: { ...body, batchPattern: "{year}" } };
  expect((await call("put", `${GROUPS}/{group}/streams/{stream}`, stream, wrong)).status).toBe(400);

  await sends(native, [
    ...["one", "two"].map((payload) => ({ batch: "b1", payload: Buffer.from(payload) })),
    { batch: "b1", completesBatch: true, noPayload: true },
    { batch: "b2", payload: Buffer.from("three") },
    { stream: "elsewhere", payload: Buffer.from("lost") },
  ]);
  const messages = await until("all are stored", async () => {
    const { json } = await call("get", `${STREAMS}/messages`, test, { query: "?batch=b1" });
    const found = json["messages"] as Json[];
    return found.length === 2 && found.every(({ sha256 }) => sha256 !== null) && found;
  });
  expect(messages.map(({ path }) => path)).toEqual(
    ["1", "2"].map((id) => `messages/plant/press 1/d1/b1/${id}`),
  );
  const one = { ...test, position: String(messages[0]?.["position"]) };
  expect(await bytes(`${STREAMS}/messages/{position}/data`, one)).toBe("one");
  const { json } = await call("get", `${STREAMS}/batches`, test, { query: "?state=complete" });
  const [batch] = json["batches"] as Json[];
  expect(batch).toMatchObject({ id: "b1", state: "complete", messages: 2, bytes: 6 });
  const whole = { ...test, number: String(batch?.["number"]) };
  expect(await bytes(`${STREAMS}/batches/{number}/data`, whole)).toBe("one\ntwo\n");
  const open = (await call("get", `${STREAMS}/batches`, test, { query: "?state=open" })).json[
    "batches"
  ] as Json[];
  const early = { ...test, number: String(open[0]?.["number"]) };
  expect((await call("get", `${STREAMS}/batches/{number}/data`, early)).status).toBe(409);
  expect((await call("get", `${STREAMS}/messages/{position}/data`, { ...test, position: "7" })).status).toBe(
    404,
  );
  const dead = await until("it is there", async () => {
    const found = (await call("get", `${STREAMS}/dead-letters`, test)).json["deadLetters"] as Json[];
    return found.length > 0 && found;
  });
  expect(dead).toMatchObject([{ device: "d1", reason: "unknown-stream", stream: "elsewhere", bytes: 4 }]);
  const gone = await call("delete", `${GROUPS}/{group}/streams/{stream}`, stream);
  expect(gone.status).toBe(204);
}

/** As the door of devices' dialect writes them. */
async function sends({ log }: Native, said: readonly object[]): Promise<void> {
  for (const value of said) {
    const now = BigInt(Date.now());
    const signal = create(signals.SignalSchema, {
      ...{ device: "d1", receivedAt: now, occurredAt: now },
      body: { case: "streamMessage", value: create(signals.StreamMessageSchema, value) },
    });
    await log.signals.append("test", toBinary(signals.SignalSchema, signal));
  }
}
