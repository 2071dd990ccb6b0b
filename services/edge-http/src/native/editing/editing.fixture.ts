import { expect } from "vitest";
import type { Native } from "../native.fixture.js";

const ONE = "/v1/namespaces/{ns}/devices/{device}";

/** Changes a device's metadata by keys and by an edit token, as the document describes it. */
export async function editsDevices(native: Native): Promise<void> {
  const test = { ns: "test" };
  const call: Native["call"] = (...asked) => native.call(...asked);
  const { json: made } = await call("post", "/v1/namespaces/{ns}/devices", test, {
    body: { name: "editable" },
  });
  const device = { ...test, device: String(made["id"]) };
  const change = (body: unknown, key?: string | null) =>
    call("patch", ONE, device, { body, ...(key === undefined ? {} : { key }) });
  const metadata = async () => (await call("get", ONE, device, {})).json["metadata"];

  const properties = { count: 7, ratio: 0.5, label: "a", on: true };
  const first = await change({ floor: "2", latitude: 34.1, longitude: -118.1, properties });
  expect([first.status, first.json]).toEqual([200, { changed: true }]);
  expect(Number(first.headers.get("fieldlog-position"))).toBeGreaterThan(0);
  const known = { name: "editable", floor: "2", latitude: 34.1, longitude: -118.1 };
  expect(await metadata()).toEqual({ ...known, properties });
  expect((await change({ floor: "2", properties: { ratio: 0.5 } })).json).toEqual({ changed: false });
  await change({ name: "edited", properties: { ratio: 2, label: null, none: null } });
  expect(await metadata()).toMatchObject({ name: "edited", properties: { count: 7, ratio: 2, on: true } });

  for (const body of [
    { latitude: 91 },
    { colour: "red" },
    { mobility: "flies" },
    { properties: { "": 1 } },
    [],
  ]) {
    expect((await change(body)).status).toBe(400);
  }
  const unnamed = await change({ name: "No name" });
  expect([unnamed.status, unnamed.json["errors"]]).toMatchObject([400, [{ field: "name" }]]);
  const { json: other } = await call("post", "/v1/namespaces/{ns}/devices", test, {
    body: { name: "taken" },
  });
  expect((await change({ name: "taken" })).status).toBe(409);

  const token = await call("post", `${ONE}/edit-token`, device, {});
  expect([token.status, token.headers.get("cache-control")]).toEqual([201, "no-store"]);
  const key = String(token.json["token"]);
  expect(token.json["url"]).toBe(`${native.system.url}/edit#/clients/test/${device.device}?token=${key}`);
  expect((await change({ building: "b" }, key)).json).toEqual({ changed: true });
  expect((await call("get", ONE, device, { key })).json["metadata"]).toMatchObject({ building: "b" });
  const elsewhere = { ...test, device: String(other["id"]) };
  expect((await call("patch", ONE, elsewhere, { key, body: { floor: "1" } })).status).toBe(401);
  expect((await call("get", ONE, { ...device, ns: "default" }, { key })).status).toBe(401);
  expect((await call("delete", ONE, device, { key })).status).toBe(401);
  expect((await call("get", "/v1/namespaces/{ns}/devices", test, { key })).status).toBe(401);
  expect((await change({ floor: "1" }, `${key}A`)).status).toBe(401);
  expect((await call("post", `${ONE}/edit-token`, { ...test, device: "1" }, {})).status).toBe(404);
  const reader = await call("post", "/v1/namespaces/{ns}/api-keys", test, { body: { permission: "read" } });
  expect((await change({ floor: "1" }, String(reader.json["key"]))).status).toBe(403);
}
