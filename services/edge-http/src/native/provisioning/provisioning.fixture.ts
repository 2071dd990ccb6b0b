import { expect } from "vitest";
import type { CallOptions, Json, Native } from "../native.fixture.js";

const NAMESPACE = "/v1/namespaces/{ns}";
const TOKENS = `${NAMESPACE}/provisioning-tokens`;
const OPERATIONS = `${NAMESPACE}/provisioning-operations`;

/** Calls every operation of provisioning as the document describes them, and disables the namespace for a moment. */
export async function letsDevicesIn(native: Native): Promise<void> {
  const call = (method: string, path: string, params: Record<string, string>, options: CallOptions = {}) =>
    native.call(method, path, params, options);
  const test = { ns: "test" };
  const made = await call("post", TOKENS, test, { body: { name: "fleet", registrationLifetimeS: 3_600 } });
  const token = { ...test, id: String(made.json["id"]) };
  const renewed = await call("post", `${TOKENS}/{id}/regenerate`, token);
  expect(renewed.json["token"]).not.toBe(made.json["token"]);
  expect((await call("post", `${TOKENS}/{id}/disable`, token)).status).toBe(204);
  expect((await call("post", `${TOKENS}/{id}/enable`, token)).status).toBe(204);
  expect((await call("get", TOKENS, test)).json["tokens"]).toMatchObject([{ id: token.id, enabled: true }]);
  expect((await call("post", TOKENS, test, { body: { name: "x", deviceIdMode: "all" } })).status).toBe(400);

  const secret = String(renewed.json["token"]);
  const [first, second] = [await begun(native, secret), await begun(native, secret)];
  const shown = await call("get", `${OPERATIONS}/{id}`, { ...test, id: first.code.toLowerCase() });
  expect(shown.json).toMatchObject({ id: first.id, state: "pending", provisioningToken: token.id });
  const approve = (body: Json) =>
    call("post", `${OPERATIONS}/{id}/approve`, { ...test, id: first.id }, { body });
  expect((await approve({ device: "a b" })).json).toMatchObject({
    status: 400,
    errors: [{ field: "device" }],
  });
  expect((await approve({ device: "hut-1" })).json).toMatchObject({ state: "approved", device: "hut-1" });
  expect((await call("post", `${OPERATIONS}/{id}/cancel`, { ...test, id: second.id })).status).toBe(204);
  expect((await call("post", `${OPERATIONS}/{id}/cancel`, { ...test, id: "none" })).status).toBe(404);
  const page = (await call("get", OPERATIONS, test, { query: "?limit=1" })).json;
  expect(page).toMatchObject({ operations: [{ id: second.id, state: "cancelled" }] });
  const rest = await call("get", OPERATIONS, test, { query: `?before=${page["next"]}&state=approved` });
  expect(rest.json).toMatchObject({ operations: [{ id: first.id }], next: null });

  const body = { reason: "a test" };
  expect((await call("post", `${NAMESPACE}/disable`, test, { body })).status).toBe(204);
  expect((await call("post", `${NAMESPACE}/enable`, test)).status).toBe(204);
}

/** A device that wants in. */
async function begun(native: Native, token: string): Promise<{ id: string; code: string }> {
  const response = await fetch(`${native.system.url}/provisioning-operations/init`, {
    method: "POST",
    headers: { authorization: `DeviceToken ${token}` },
    body: "{}",
  });
  expect(response.status).toBe(200);
  const { provisioningOperationId, verificationCode } = (await response.json()) as Record<string, string>;
  return { id: provisioningOperationId ?? "", code: verificationCode ?? "" };
}
