import { RemoteHost } from "@fieldlog/remote";
import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const SAMPLES = "/v1/namespaces/{ns}/devices/{device}/samples";
const ONE = `${SAMPLES}/{sampling}`;

/** Asks a device to sample, as the document describes it. */
export async function asksToSample(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const test = { ns: "test" };
  const { json: made } = await call("post", "/v1/namespaces/{ns}/devices", test, { body: { name: "board" } });
  const device = { ...test, device: String(made["id"]) };
  const body = { sensor: "Camera", label: "cat", lengthMs: 1_000, intervalMs: 10, category: "testing" };

  const waits = await call("post", SAMPLES, device, { body });
  expect(waits.json).toMatchObject({ state: "queued", place: 1, label: "cat", sample: null, error: null });
  expect(waits.headers.get("location")).toBe(
    `/v1/namespaces/test/devices/${device.device}/samples/${waits.json["id"]}`,
  );
  const second = await call("post", SAMPLES, device, { body: { ...body, category: undefined } });
  expect(second.json).toMatchObject({ category: "training", place: 2 });
  const cancelled = { ...device, sampling: String(waits.json["id"]) };
  for (let i = 0; i < 2; i++) expect((await call("delete", ONE, cancelled, {})).status).toBe(204);
  expect((await call("get", ONE, cancelled, {})).json).toMatchObject({ state: "cancelled", place: null });

  await sends(native, device.device, String(second.json["id"]));
  const listed = await call("get", SAMPLES, device, { query: "?limit=1" });
  expect(listed.json).toMatchObject({ samplings: [{ label: "dog" }], next: expect.any(Number) });
  const all = await call("get", "/v1/namespaces/{ns}/samplings", test, { query: "?state=cancelled" });
  expect(all.json).toMatchObject({ samplings: [{ id: cancelled.sampling }], next: null });

  for (const [field, wrong] of [
    ["label", { label: "" }],
    ["label", { label: "ä".repeat(100) }],
    ["lengthMs", { lengthMs: 3_600_001 }],
    ["intervalMs", { intervalMs: 0 }],
    ["category", { category: "elsewhere" }],
    ["hmacKey", { hmacKey: "x" }],
  ] as const) {
    const answer = await call("post", SAMPLES, device, { body: { ...body, ...wrong } });
    expect([answer.status, (answer.json["errors"] as Json[])[0]?.["field"]]).toEqual([400, field]);
  }
  const nobody = { ...test, device: "nobody" };
  expect((await call("post", SAMPLES, nobody, { body })).status).toBe(404);
  expect((await call("get", SAMPLES, nobody, {})).status).toBe(404);
  expect((await call("get", ONE, { ...device, sampling: "none" }, {})).status).toBe(404);
}

/** Its device comes: with whatever happens next, what waits is sent, and told. */
async function sends(native: Native, device: string, sampling: string): Promise<void> {
  const { namespaces } = (await native.call("get", "/v1/namespaces", {}, {})).json as { namespaces: Json[] };
  const namespace = String(namespaces.find(({ name }) => name === "test")?.["id"]);
  const connection = crypto.randomUUID();
  const held = { namespace, device, connection, connectedAt: Date.now() };
  const release = new RemoteHost(native.log.connection).hold(held, () => ({ status: { connection } }));
  await native.log.connection.flush();
  const at = { ns: "test", device, sampling };
  const body = { label: "dog", lengthMs: 10, intervalMs: 1 };
  const third = await native.call("post", SAMPLES, at, { body });
  expect(third.json).toMatchObject({ state: "queued", place: 1, sensor: null });
  expect((await native.call("get", ONE, at, {})).json["state"]).toBe("sent");
  await until("it is told", async () => {
    const query = `?device=${device}&type=SamplingSent`;
    const { json } = await native.call("get", "/v1/namespaces/{ns}/events", { ns: "test" }, { query });
    return (json["events"] as Json[]).some(({ data }) => (data as Json)["sampling"] === sampling);
  });
  release();
}
