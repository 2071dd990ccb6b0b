import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { CallOptions, Json, Native } from "./native.fixture.js";

const EVENTS = "/v1/namespaces/{ns}/events";
const test = { ns: "test" };

/** Calls every operation on subscriptions, in namespace test, as a key that may read and as the operator. */
export async function keepsSubscriptions(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const SUBSCRIPTIONS = "/v1/namespaces/{ns}/subscriptions";
  const ONE = `${SUBSCRIPTIONS}/{id}`;
  const reader = await call("post", "/v1/namespaces/{ns}/api-keys", test, { body: { permission: "read" } });
  const key = String(reader.json["key"]);
  const wanted = { name: "lights", delivery: "poll", filter: { names: ["Light*"] } };
  const made = await call("post", SUBSCRIPTIONS, test, { key, body: wanted });
  expect(made.json).toMatchObject({
    name: "lights",
    filters: [wanted.filter],
    delivery: "poll",
    disabled: null,
  });
  const own = { ...test, id: String(made.json["id"]) };
  for (const name of ["LightOn", "Door", "LightOff"]) await call("post", EVENTS, test, { body: { name } });
  const polled = await call("get", `${ONE}/events`, own, { key, query: "?wait=2000" });
  expect((polled.json["events"] as Json[]).map(({ type }) => type)).toEqual(["LightOn", "LightOff"]);
  await call("get", `${ONE}/events`, own, { key, query: `?after=${polled.json["next"]}` });
  const shown = await until("it is told how far it is", async () => {
    const { json } = await call("get", ONE, own, { key });
    const status = json["status"] as Json;
    return Number(status["position"]) >= Number(polled.json["next"]) && status;
  });
  expect(shown).toMatchObject({ connected: true, lag: { events: 0 }, delivered: 2, failures: 0 });

  const webhook = {
    delivery: { webhook: { url: "https://hooks.example/x", batch: 10 } },
    from: "beginning",
  };
  expect((await call("post", SUBSCRIPTIONS, test, { key, body: webhook })).status).toBe(403);
  const hooked = await call("post", SUBSCRIPTIONS, test, { body: webhook });
  expect(hooked.json["secret"]).toMatch(/^whsec_/);
  const other = { ...test, id: String(hooked.json["id"]) };
  const rotated = await call("post", `${ONE}/rotate-secret`, other, { body: {} });
  expect(rotated.json["secret"]).not.toBe(hooked.json["secret"]);
  expect((await call("post", `${ONE}/enable`, other)).status).toBe(204);
  expect((await call("get", `${ONE}/events`, other)).status).toBe(409);
  expect((await call("get", ONE, other, { key })).status).toBe(403);
  const list = async (as: CallOptions) =>
    ((await call("get", SUBSCRIPTIONS, test, as)).json["subscriptions"] as Json[]).map(({ id }) => id);
  expect(await list({ key })).toEqual([own.id]);
  expect((await list({})).toSorted()).toEqual([own.id, other.id].toSorted());
  for (const [id, as] of [
    [own.id, { key }],
    [other.id, {}],
  ] as const) {
    expect((await call("delete", ONE, { ...test, id }, as)).status).toBe(204);
    expect((await call("get", ONE, { ...test, id })).status).toBe(404);
  }
  expect(await list({})).toEqual([]);
  for (const body of [{}, { delivery: "pigeon" }, { delivery: "poll", filter: { nmaes: [] } }]) {
    expect((await call("post", SUBSCRIPTIONS, test, { body })).status).toBe(400);
  }
}
