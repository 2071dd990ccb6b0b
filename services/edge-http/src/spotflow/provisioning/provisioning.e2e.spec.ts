import { type System, startServers, startSystem, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Json = Record<string, unknown>;

let servers: TestServers;
let system: System;
let token = "";

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("provisioning");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
  const created = await operate("POST", "/provisioning-tokens/create", {
    maxRegistrationTokenLifetime: "30.00:00:00",
  });
  expect(created).toMatchObject({ status: 200, json: { deviceIdOverrideMode: "DeviceAndTechnicianAllow" } });
  token = String(created.json["provisioningToken"]);
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function ask(method: string, path: string, authorization: string, body?: Json) {
  const response = await fetch(`${system.url}${path}`, {
    method,
    headers: { authorization, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, json: (text === "" ? {} : JSON.parse(text)) as Json };
}
const operate = (method: string, path: string, body?: Json) =>
  ask(method, `/workspaces/test${path}`, `Bearer ${system.adminKey}`, body);
const native = (method: string, path: string, body?: Json) =>
  ask(method, `/v1/namespaces/test${path}`, `Bearer ${system.adminKey}`, body);

const init = (body: Json = {}, by = token) =>
  ask("POST", "/provisioning-operations/init", `DeviceToken ${by}`, body);
const complete = (provisioningOperationId: unknown, by = token) =>
  ask("PUT", "/provisioning-operations/complete", `DeviceToken ${by}`, { provisioningOperationId });
const register = (by: unknown) =>
  ask("PUT", "/devices/register", `DeviceToken ${by}`, { connectionStringType: "SharedAccessSignature" });
const refresh = (registrationToken: unknown, by = token) =>
  ask("PUT", "/devices/registration-tokens/refresh", `DeviceToken ${by}`, { registrationToken });

/** Comes in, approved as the operator says. */
async function comeIn(body: Json, approval: Json = {}) {
  const { json } = await init(body);
  const id = json["provisioningOperationId"];
  const approved = await operate("PUT", "/provisioning-operations/approve", {
    provisioningOperationId: id,
    ...approval,
  });
  expect(approved.status).toBe(200);
  const done = await complete(id);
  expect(done.status).toBe(200);
  return { id, registration: String(done.json["registrationToken"]) };
}

describe("a device that nobody has registered", () => {
  it("waits until somebody approves it, then gets what it connects with", async () => {
    const begun = await init({ deviceId: "porch-1", attributes: { serial: "7" } });
    expect(begun.status).toBe(200);
    const { provisioningOperationId: id, verificationCode, expirationTime } = begun.json;
    expect(verificationCode).toMatch(/^[2-9B-Z]{4}-[2-9B-Z]{4}$/);
    expect(Date.parse(String(expirationTime))).toBeGreaterThan(Date.now());
    expect((await complete(id)).status).toBe(202);
    const { json } = await operate("GET", "/provisioning-operations");
    expect(json["provisioningOperations"]).toEqual([
      expect.objectContaining({ provisioningOperationId: id, state: "pending", attributes: { serial: "7" } }),
    ]);
    const code = String(verificationCode).toLowerCase().replace("-", "");
    expect(
      await operate("PUT", "/provisioning-operations/approve", { verificationCode: code }),
    ).toMatchObject({
      ...{ status: 200, json: { provisioningOperationId: id, state: "approved", deviceId: "porch-1" } },
    });
    const first = await complete(id);
    expect(first.json["registrationToken"]).toMatch(/^rr[\w-]{64}$/);
    expect((await register(first.json["registrationToken"])).status).toBe(200);
    const second = await complete(id);
    expect(second.status).toBe(200);
    expect((await register(first.json["registrationToken"])).status).toBe(401);
    const opened = await register(second.json["registrationToken"]);
    const host = new URL(system.url).hostname;
    expect(opened).toMatchObject({
      status: 200,
      json: { iotHubHostName: host, connectionStringType: "SharedAccessSignature" },
    });
    expect(opened.json["connectionString"]).toMatch(
      new RegExp(
        `^HostName=${host};DeviceId=test:porch-1;SharedAccessSignature=SharedAccessSignature sr=${host}&sig=[\\w-]+&se=\\d+$`,
      ),
    );
    expect(opened.json["tokenRemainingLifetime"]).toMatch(/^29\.23:59:\d\d$/);
    expect(Date.parse(String(opened.json["connectionStringExpiration"]))).toBeGreaterThan(Date.now());
    expect((await native("GET", "/devices/porch-1")).json).toMatchObject({ dialect: "spotflow" });
  });

  it("gets the id that whoever approves it chooses", async () => {
    const { registration } = await comeIn({ deviceId: "porch-2" }, { deviceId: "cellar-2" });
    const { json } = await register(registration);
    expect(json["connectionString"]).toContain("DeviceId=test:cellar-2;");
  });

  it("is told that it was cancelled in the type that clients look for", async () => {
    const { json } = await init({ deviceId: "porch-3" });
    const provisioningOperationId = json["provisioningOperationId"];
    const cancelled = await operate("PUT", "/provisioning-operations/cancel", { provisioningOperationId });
    expect(cancelled.status).toBe(204);
    expect(await complete(provisioningOperationId)).toMatchObject({
      status: 410,
      json: {
        type: "/problems/deviceProvisioning/provisioningOperationCancelled",
        title: expect.any(String),
      },
    });
    const other = await complete("3b2f0e0c-0000-4000-8000-000000000000");
    expect(other).toMatchObject({
      status: 410,
      json: { type: "/problems/deviceProvisioning/provisioningOperationExpired" },
    });
  });

  it("is refused without a good token, or with a bad id", async () => {
    expect(await init({}, "pt_none")).toMatchObject({ status: 401, json: { status: 401 } });
    expect((await register(token)).status).toBe(401);
    expect(await init({ deviceId: "a b" })).toMatchObject({
      status: 400,
      json: { title: expect.stringContaining("device_id") },
    });
    expect((await init({ deviceId: 5 })).status).toBe(400);
  });
});

describe("a registration token", () => {
  it("is exchanged: its parent is good for a while, its grandparent for none", async () => {
    const { registration } = await comeIn({ deviceId: "barn-1" });
    const child = await refresh(registration);
    expect(child).toMatchObject({ status: 201, json: { expirationTime: expect.any(String) } });
    const again = await refresh(registration);
    expect(again.status).toBe(200);
    expect((await register(registration)).status).toBe(200);
    expect((await register(child.json["registrationToken"])).status).toBe(401);
    const third = await refresh(again.json["registrationToken"]);
    expect(third.status).toBe(201);
    expect((await register(registration)).status).toBe(401);
    expect((await register(again.json["registrationToken"])).status).toBe(200);
    expect((await refresh(registration)).status).toBe(410);
    expect((await refresh(third.json["registrationToken"], "pt_none")).status).toBe(401);
    const { json: other } = await operate("POST", "/provisioning-tokens/create", {});
    const { provisioningToken, provisioningTokenId } = other as Record<string, string>;
    expect((await refresh(third.json["registrationToken"], provisioningToken)).status).toBe(403);
    expect(other).toMatchObject({ maxRegistrationTokenLifetime: null });
    const one = { provisioningTokenId };
    const renewed = await operate("PUT", "/provisioning-tokens/regenerate", one);
    expect(renewed).toMatchObject({ status: 200, json: one });
    expect((await init({}, provisioningToken)).status).toBe(401);
    expect((await init({}, String(renewed.json["provisioningToken"]))).status).toBe(200);
    await operate("DELETE", "/devices/barn-1/delete");
    expect((await register(third.json["registrationToken"])).status).toBe(401);
  });
});

describe("an operator", () => {
  it("makes tokens that let devices in by themselves, so many, and takes them back", async () => {
    const { status, json } = await native("POST", "/provisioning-tokens", {
      ...{ name: "fleet", registrations: 1, approved: true, registrationLifetimeS: 3_600 },
    });
    expect(status).toBe(201);
    const { id, token: own } = json as { id: string; token: string };
    expect(own).toMatch(/^pt_[\w-]{43}$/);
    const begun = await init({ deviceId: "fleet-1" }, own);
    const done = await complete(begun.json["provisioningOperationId"], own);
    expect(done.status).toBe(200);
    expect(Date.parse(String(done.json["expirationTime"]))).toBeLessThan(Date.now() + 3_600_001);
    expect((await init({ deviceId: "fleet-2" }, own)).status).toBe(403);
    expect((await init({ deviceId: "fleet-1" }, own)).status).toBe(200);
    const { tokens } = (await native("GET", "/provisioning-tokens")).json as { tokens: Json[] };
    expect(
      tokens.map(({ registrations, mostRegistrations }) => [registrations, mostRegistrations]),
    ).toContainEqual([1, 1]);
    expect(JSON.stringify(tokens)).not.toContain(own);
    expect((await native("POST", `/provisioning-tokens/${id}/disable`)).status).toBe(204);
    expect((await init({ deviceId: "fleet-1" }, own)).status).toBe(401);
    expect((await native("POST", `/provisioning-tokens/${id}/enable`)).status).toBe(204);
    const renewed = await native("POST", `/provisioning-tokens/${id}/regenerate`);
    expect((await init({ deviceId: "fleet-1" }, own)).status).toBe(401);
    expect((await init({ deviceId: "fleet-1" }, String(renewed.json["token"]))).status).toBe(200);
  });

  it("may do what his key is good for: a reader looks, a contributor lets devices in, an owner all", async () => {
    const { json: begun } = await init({ deviceId: "silo-1" });
    const one = { provisioningOperationId: begun["provisioningOperationId"] };
    const may = async (permission: string) => {
      const { json } = await native("POST", "/api-keys", { kind: "native", permission });
      const by = (method: string, path: string, body?: Json) =>
        ask(method, `/workspaces/test${path}`, `Bearer ${json["key"]}`, body).then(({ status }) => status);
      return [
        await by("GET", "/provisioning-operations"),
        await by("PUT", "/provisioning-operations/approve", one),
        await by("PATCH", "/devices/silo-1/tags", { tags: { site: "yard" } }),
        await by("GET", "/provisioning-tokens"),
        await by("DELETE", "/devices/silo-1/delete"),
      ];
    };
    expect(await may("read")).toEqual([200, 403, 403, 403, 403]);
    expect(await may("write")).toEqual([200, 200, 200, 403, 403]);
    expect(await may("admin")).toEqual([200, 200, 200, 200, 204]);
  });

  it("of the dialect chooses how long a device's tokens last, as far as its provisioning token lets him", async () => {
    const day = { maxRegistrationTokenLifetime: "1.00:00:00", allowInfiniteRegistrationTokenLifetime: true };
    const approved = async (mode: string, lifetime?: string) => {
      const { json } = await operate("POST", "/provisioning-tokens/create", {
        ...{ ...day, registrationTokenLifetimeOverrideMode: mode, deviceIdOverrideMode: "Disable" },
      });
      expect(json).toMatchObject({ ...day, registrationTokenLifetimeOverrideMode: mode });
      const own = String(json["provisioningToken"]);
      const begun = (await init({}, own)).json;
      const { provisioningOperationId, verificationCode } = begun;
      const shown = await operate("GET", `/provisioning-operations/${verificationCode}`);
      expect(shown.json).toMatchObject({ provisioningOperationId, state: "pending" });
      const { status } = await operate("PUT", "/provisioning-operations/approve", {
        ...{ provisioningOperationId, registrationTokenLifetime: lifetime },
      });
      if (status !== 200) return status;
      const done = await complete(provisioningOperationId, own);
      return (await register(done.json["registrationToken"])).json["tokenRemainingLifetime"];
    };
    expect(await approved("Disabled")).toMatch(/^23:59:\d\d$/);
    expect(await approved("Disabled", "01:00:00")).toBe(400);
    expect(await approved("Allowed", "01:00:00")).toMatch(/^00:59:\d\d$/);
    expect(await approved("Allowed", "1.00:00:01")).toBe(400);
    expect(await approved("Allowed", "00:00:00")).toBeNull();
    expect(await approved("Enforce")).toBe(400);
    expect(await approved("Enforce", "1.00:00:00")).toMatch(/^23:59:\d\d$/);
  });

  it("finds, approves and cancels by the native API", async () => {
    const begun = await init({ attributes: { serial: "9" } });
    const code = String(begun.json["verificationCode"]);
    const found = await native("GET", `/provisioning-operations/${code}`);
    expect(found).toMatchObject({ status: 200, json: { state: "pending", askedDevice: null, device: null } });
    const path = `/provisioning-operations/${found.json["id"]}`;
    expect((await native("POST", `${path}/approve`, { registrationLifetimeS: 600 })).status).toBe(400);
    expect((await native("POST", `${path}/approve`, { device: "no device" })).status).toBe(400);
    expect(await native("POST", `${path}/approve`, { device: "attic-9" })).toMatchObject({
      ...{ status: 200, json: { state: "approved", device: "attic-9" } },
    });
    expect((await native("POST", `${path}/approve`, {})).status).toBe(200);
    expect((await native("POST", `${path}/cancel`)).status).toBe(204);
    expect((await native("POST", `${path}/approve`, {})).status).toBe(409);
    const { operations } = (await native("GET", "/provisioning-operations?state=cancelled&limit=1")).json;
    expect(operations).toEqual([expect.objectContaining({ id: found.json["id"], state: "cancelled" })]);
  });

  it("who tries codes that nobody was given has to wait", async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 11; i++) {
      statuses.push((await native("GET", "/provisioning-operations/2222-222B")).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 404), 429]);
  });
});

it("a disabled namespace lets no device in, and answers people as ever, until it is enabled", async () => {
  const { registration } = await comeIn({ deviceId: "gate-1" });
  const begun = await init({ deviceId: "gate-2" });
  const id = begun.json["provisioningOperationId"];
  expect((await native("POST", "/disable", { reason: "not paid" })).status).toBe(204);
  expect((await native("POST", "/disable", { reason: "not paid" })).status).toBe(204);
  const answers = await Promise.all([
    ...[init({ deviceId: "gate-3" }), complete(id), register(registration), refresh(registration)],
  ]);
  expect(answers.map(({ status }) => status)).toEqual([423, 423, 423, 423]);
  expect(await operate("GET", "")).toMatchObject({ status: 200, json: { id: "test", isDisabled: true } });
  const approved = await operate("PUT", "/provisioning-operations/approve", { provisioningOperationId: id });
  expect(approved.status).toBe(200);
  expect((await native("POST", "/enable")).status).toBe(204);
  expect((await complete(id)).status).toBe(200);
  expect((await register(registration)).status).toBe(200);
});

it("an address that tries tokens which are none has to wait", async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 12; i++) statuses.push((await init({}, `pt_${i}`)).status);
  // One of them came earlier.
  expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
  expect(statuses.at(-1)).toBe(429);
});
