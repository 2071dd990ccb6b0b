import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const TEMPLATES = "/v1/namespaces/{ns}/fleet-templates";
const TEMPLATE = `${TEMPLATES}/{name}`;
const DEVICES = "/v1/namespaces/{ns}/devices";

/** Calls every operation on fleet templates as the document describes them, and follows one to a device. */
export async function hasFleets(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const fleet = { ns: "test", name: "cold-roofs" };
  const { json: made } = await call("post", DEVICES, { ns: "test" }, { body: { name: "roof-1" } });
  const device = { ns: "test", device: String(made["id"]) };
  const reported = [{ field: "site.height", op: ">=", value: 9 }];
  const wanted = { tags: { roof: "cold" }, reported, desired: { rate: 60 }, stopAfterFailures: 1 };
  const set = await call("put", TEMPLATE, fleet, { body: wanted });
  expect([set.status, set.json]).toEqual([200, { revision: 1 }]);
  await call("patch", `${DEVICES}/{device}/properties/tags`, device, { body: { roof: "cold", floor: 9 } });
  await call("patch", `${DEVICES}/{device}/properties/reported`, device, { body: { site: { height: 9 } } });
  const shown = async () => (await call("get", TEMPLATE, fleet, {})).json;
  const applied = await until("the device has it", async () => {
    const json = await shown();
    return json["applied"] === 1 && json;
  });
  expect(applied).toMatchObject({
    ...{ ...wanted, takeWithinS: 86_400, matching: 1, acknowledged: 0, failed: 0, stopped: null },
    devices: [{ device: device.device, state: "applied", error: null }],
  });
  const { json: own } = await call("get", `${DEVICES}/{device}/properties`, device, {});
  const { value, version } = own["desired"] as { value: object; version: number };
  expect(value).toEqual({ rate: 60 });
  await call("patch", `${DEVICES}/{device}/properties/reported`, device, {
    ...{ body: { desiredError: { version, error: "too cold" } }, query: `?takenVersion=${version}` },
  });
  await until("it failed there, and stopped", async () => (await shown())["stopped"] !== null);
  const { templates } = (await call("get", TEMPLATES, { ns: "test" }, {})).json;
  expect((templates as Json[])[0]).toMatchObject({ name: "cold-roofs", failed: 1, acknowledged: 0 });
  expect(await shown()).toMatchObject({ devices: [{ state: "failed", error: "too cold" }] });
  const listed = async (query: string) => (await call("get", `${TEMPLATE}/devices`, fleet, { query })).json;
  expect(await listed("?state=failed&limit=1")).toMatchObject({
    ...{ devices: [{ device: device.device, error: "too cold" }], next: device.device },
  });
  expect(await listed(`?after=${device.device}`)).toEqual({ devices: [], next: null });
  const stop = { body: { reason: "enough" } };
  expect((await call("post", `${TEMPLATE}/stop`, fleet, stop)).status).toBe(204);
  expect((await call("delete", TEMPLATE, fleet, {})).status).toBe(204);
  expect((await call("get", TEMPLATE, fleet, {})).status).toBe(404);
  for (const wrong of [
    { tags: {}, reported: [] },
    { tags: { a: null } },
    { desired: {} },
    { takeWithinS: 0 },
    { reported: [{ field: "a", op: "~", value: 1 }] },
  ]) {
    const body = { ...wanted, ...wrong };
    expect((await call("put", TEMPLATE, fleet, { body })).status).toBe(400);
  }
}
