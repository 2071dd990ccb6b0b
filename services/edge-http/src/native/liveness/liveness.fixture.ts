import { expect } from "vitest";
import type { Native } from "../native.fixture.js";

const NS = "/v1/namespaces/{ns}";
const test = { ns: "test" };

/** A device tells that it lives, and that it goes; each answer is held against the document. */
export async function tellsThatItLives(native: Native): Promise<void> {
  const made = await native.call("post", `${NS}/devices`, test, { body: { name: "alive" } });
  const device = { ...test, device: String(made.json["id"]) };
  expect((await native.call("get", `${NS}/devices/{device}/liveness`, device, {})).status).toBe(404);
  const asked = await native.call("post", `${NS}/requests`, test, {
    body: { device: device.device, current: true },
  });
  const number = Number(asked.json["number"]);
  const location = { latitude: 34.1, longitude: -118.1 };
  const rates = [{ sensor: "0", eventCount: 3, windowS: 600 }];
  const beat = (body: object) => native.call("post", `${NS}/devices/{device}/heartbeat`, device, { body });
  const first = await beat({ status: "restart", sensors: ["0"], rates, location });
  expect([first.status, first.json["latestRequest"]]).toEqual([201, number]);
  expect((await beat({ latestRequest: number })).json["requests"]).toEqual([]);
  expect((await beat({ status: "asleep" })).status).toBe(400);
  const now = async () => (await native.call("get", `${NS}/devices/{device}/liveness`, device, {})).json;
  expect(await now()).toMatchObject({
    state: "active",
    heartbeatS: 600,
    inactiveAfterS: 1_800,
    status: null,
  });
  expect((await beat({ status: "sleep" })).status).toBe(201);
  expect(await now()).toMatchObject({ state: "inactive", status: "sleep" });
  const listed = await native.call("get", `${NS}/liveness`, test, { query: "?state=inactive&limit=1000" });
  const found = expect.objectContaining({ device: device.device, state: "inactive" });
  expect(listed.json["devices"]).toEqual(expect.arrayContaining([found]));
  for (const [query, geocell] of [
    ["", ""],
    ["?resolution=4&limit=1", null],
  ] as const) {
    const counts = await native.call("get", `${NS}/liveness/counts`, test, { query });
    expect(counts.json["counts"]).toMatchObject([{ geocell }]);
  }
  const nobody = { ...device, device: "nobody" };
  expect((await native.call("post", `${NS}/devices/{device}/heartbeat`, nobody, { body: {} })).status).toBe(
    404,
  );
}
