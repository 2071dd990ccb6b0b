import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const NS = "/v1/namespaces/{ns}";

/** Calls every operation on a namespace's settings and members, clears it, and erases a device, in one of its own. */
export async function governs(
  native: Native,
  { user, other }: { user: string; other: string },
): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const { json: made } = await call("post", "/v1/namespaces", {}, { body: { name: "governed" } });
  const ns = { ns: String(made["id"]) };

  expect((await call("get", `${NS}/settings`, ns, {})).json).toMatchObject({
    devices: null,
    offers: "requested",
    remoteAccess: false,
    openToCsn: false,
  });
  await call("patch", `${NS}/settings`, ns, { body: { inactiveAfterS: 900, devices: 5 } });
  const changed = await call("patch", `${NS}/settings`, ns, {
    body: { devices: null, offers: "all", remoteAccess: true, openToCsn: true },
  });
  expect(changed.json).toMatchObject({
    inactiveAfterS: 900,
    devices: null,
    offers: "all",
    heartbeatS: null,
    remoteAccess: true,
    openToCsn: true,
  });
  expect((await call("get", `${NS}/settings`, ns, {})).json).toEqual(changed.json);
  for (const body of [{ inactiveAfterS: 10 }, { devices: 0 }, { offers: "some" }, { unknown: 1 }]) {
    expect((await call("patch", `${NS}/settings`, ns, { body })).status).toBe(400);
  }

  const member = await call("put", `${NS}/members`, ns, { body: { name: user, role: "owner" } });
  expect((await call("get", `${NS}/members`, ns, {})).json).toEqual({ members: [member.json] });
  const second = await call("put", `${NS}/members`, ns, { body: { name: "nobody", role: "reader" } });
  expect(second.status).toBe(404);
  await call("put", `${NS}/members`, ns, { body: { name: other, role: "reader" } });
  const [reader] = ((await call("get", `${NS}/members`, ns, {})).json["members"] as Json[]).filter(
    ({ role }) => role === "reader",
  );
  const away = (id: unknown) => call("delete", `${NS}/members/{user}`, { ...ns, user: String(id) }, {});
  expect((await away(reader?.["userId"])).status).toBe(204);
  // Somebody must be owner.
  expect((await away(member.json["userId"])).status).toBe(409);

  const { json: device } = await call("post", `${NS}/devices`, ns, { body: { name: "one" } });
  const one = { ...ns, device: String(device["id"]) };
  expect((await call("post", `${NS}/devices/{device}/erase`, one, {})).status).toBe(204);
  expect((await call("get", `${NS}/devices/{device}`, one, {})).status).toBe(404);
  await call("post", `${NS}/devices`, ns, { body: { name: "two" } });
  await call("post", `${NS}/events`, ns, { body: { name: "light" } });
  const cleared = await call("post", `${NS}/clear`, ns, {});
  expect(cleared.json).toMatchObject({ commits: expect.any(Number), decisions: expect.any(Number) });
  await until("it is empty", async () => {
    expect((await call("get", `${NS}/devices`, ns, {})).json).toMatchObject({ devices: [] });
    expect((await call("get", `${NS}/events`, ns, {})).json).toMatchObject({ events: [] });
    return true;
  });
}
