import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "./native.fixture.js";

const EVENTS = "/v1/namespaces/{ns}/events";
const KEYS = "/v1/namespaces/{ns}/api-keys";
const test = { ns: "test" };

/** A key does what its namespace and permission allow, and nothing when it is revoked. */
export async function limitsKeys(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const create = async (permission: string) =>
    (await call("post", KEYS, test, { body: { kind: "native", permission, name: permission } })).json;
  const reader = await create("read");
  const admin = await create("admin");
  const as = (key: Json) => ({ key: String(key["key"]) });
  expect((await call("get", EVENTS, test, as(reader))).status).toBe(200);
  expect((await call("get", EVENTS, { ns: "default" }, as(reader))).status).toBe(403);
  expect((await call("get", EVENTS, { ns: "nowhere" }, as(reader))).status).toBe(403);
  expect((await call("get", KEYS, test, as(reader))).status).toBe(403);
  expect((await call("get", KEYS, test, as(admin))).status).toBe(200);
  expect((await call("get", "/v1/namespaces", {}, as(admin))).status).toBe(403);
  const other = { ...as(admin), body: { kind: "native", permission: "read" } };
  expect((await call("post", KEYS, test, other)).status).toBe(201);
  const revoked = await call("delete", `${KEYS}/{id}`, { ...test, id: String(reader["id"]) });
  expect(revoked.status).toBe(204);
  expect((await call("get", EVENTS, test, as(reader))).status).toBe(401);
  const { json } = await call("get", KEYS, test);
  const listed = (json["keys"] as Json[]).find(({ id }) => id === reader["id"]);
  expect(listed?.["revokedAt"]).toEqual(expect.any(String));
  expect(JSON.stringify(json)).not.toContain(String(admin["key"]));
}

/** Keys of cred's form are each of one namespace. */
export async function makesCredKeys(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const body = { kind: "cred", permission: "read" };
  const made = await call("post", KEYS, test, { body });
  expect(made.json).toMatchObject({ kind: "cred", key: expect.stringMatching(/^[A-Za-z0-9]{43}$/) });
  const as = { key: String(made.json["key"]) };
  expect((await call("get", EVENTS, test, as)).status).toBe(200);
  expect((await call("get", EVENTS, { ns: "default" }, as)).status).toBe(403);
  expect((await call("post", "/v1/api-keys", {}, { body })).status).toBe(400);
}

/** A board shows one key, and signs with another one, which opens nothing. */
export async function makesBoardKeys(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const shown = await call("post", KEYS, test, { body: { kind: "edge-impulse" } });
  expect(shown.json).toMatchObject({
    permission: "write",
    key: expect.stringMatching(/^ei_[0-9a-f]{64}$/),
  });
  const as = { key: String(shown.json["key"]) };
  expect((await call("get", EVENTS, test, as)).status).toBe(200);
  const signs = await call("post", KEYS, test, { body: { kind: "hmac", name: "roofs" } });
  const key = String(signs.json["key"]);
  expect((await call("get", EVENTS, test, { key })).status).toBe(401);
  const listed = await call("get", "/v1/namespaces/{ns}/hmac-keys", test);
  expect(listed.json["keys"]).toMatchObject([{ id: signs.json["id"], name: "roofs", key }]);
  expect((await call("get", "/v1/namespaces/{ns}/hmac-keys", test, as)).status).toBe(403);
  expect((await call("post", KEYS, test, { body: {} })).status, "a native key says its permission").toBe(400);
}

/** Keys of the installation are managed with its key alone. */
export async function keepsOperatorKeysApart(native: Native): Promise<void> {
  const call: Native["call"] = (...asked) => native.call(...asked);
  const made = await call("post", "/v1/api-keys", {}, { body: { permission: "read" } });
  const key = String(made.json["key"]);
  expect((await call("get", EVENTS, test, { key })).status).toBe(200);
  expect((await call("get", "/v1/api-keys", {}, { key })).status).toBe(403);
  expect((await call("get", "/v1/api-keys")).status).toBe(200);
  const id = String(made.json["id"]);
  expect((await call("delete", "/v1/api-keys/{id}", { id })).status).toBe(204);
  await until("refused", async () => (await call("get", EVENTS, test, { key })).status === 401);
}
