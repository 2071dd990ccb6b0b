import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const PROPERTIES = "/v1/namespaces/{ns}/devices/{device}/properties";
const DESIRED = `${PROPERTIES}/desired`;

/** Calls every operation on properties as the document describes them. */
export async function hasProperties(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const { json: made } = await call(
    "post",
    "/v1/namespaces/{ns}/devices",
    { ns: "test" },
    { body: { name: "valve" } },
  );
  const device = { ns: "test", device: String(made["id"]) };
  const first = await call("put", DESIRED, device, { body: { rate: 10, wifi: { ssid: "x" } } });
  expect(first.json).toMatchObject({ value: { rate: 10, wifi: { ssid: "x" } }, version: 2 });
  const patched = await call("patch", DESIRED, device, {
    ...{ body: { wifi: null, note: "ö" }, query: "?expectedVersion=2" },
  });
  expect(patched.json).toMatchObject({ value: { rate: 10, note: "ö" }, version: 3 });
  const stale = await call("patch", DESIRED, device, { body: { rate: 1 }, query: "?expectedVersion=2" });
  expect([stale.status, stale.json["detail"]]).toEqual([409, "They have version 3."]);
  const query = "?takenVersion=3";
  await call("patch", `${PROPERTIES}/reported`, device, { body: { rate: 10 }, query });
  await call("patch", `${PROPERTIES}/tags`, device, { body: { site: "roof", floor: 3 } });
  expect((await call("get", PROPERTIES, device, {})).json).toMatchObject({
    ...{ desired: { version: 3 }, reported: { value: { rate: 10 }, version: 2 }, takenVersion: 3 },
    tags: { value: { site: "roof", floor: 3 } },
  });
  const asOf = `?asOf=${first.headers.get("fieldlog-position")}`;
  expect((await call("get", PROPERTIES, device, { query: asOf })).json).toMatchObject({
    ...{ desired: { value: { rate: 10, wifi: { ssid: "x" } }, version: 2 }, tags: { value: {}, version: 1 } },
  });
  const { changes, next } = (await call("get", `${PROPERTIES}/changes`, device, { query: "?limit=3" })).json;
  expect((changes as Json[]).map(({ kind, version }) => [kind, version])).toEqual([
    ["tags", 2],
    ["reported", 2],
    ["desired", 3],
  ]);
  const rest = await call("get", `${PROPERTIES}/changes`, device, { query: `?before=${next}&kind=desired` });
  expect(rest.json).toMatchObject({ changes: [{ patch: { rate: 10 } }], next: null });
  for (const body of [{ "a.b": 1 }, { $version: 1 }, { a: [null] }]) {
    expect((await call("patch", DESIRED, device, { body })).status).toBe(400);
  }
  expect((await call("patch", `${PROPERTIES}/tags`, device, { body: { a: {} } })).status).toBe(400);
  expect((await call("get", PROPERTIES, { ...device, device: "nobody" }, {})).status).toBe(404);
}
