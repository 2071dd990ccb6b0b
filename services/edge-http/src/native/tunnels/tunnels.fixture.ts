import { RemoteHost } from "@fieldlog/remote";
import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { CallOptions, Json, Native } from "../native.fixture.js";

const NS = "/v1/namespaces/{ns}";
const DEVICE = "tunnelled-1";

/** A device that came in by itself; its connection is held by an edge without the device. */
async function connected(native: Native): Promise<() => void> {
  const made = await native.call(
    "post",
    `${NS}/provisioning-tokens`,
    { ns: "test" },
    { body: { name: "tunnels", approved: true } },
  );
  const comes = async (method: string, step: string, body: object) => {
    const response = await fetch(`${native.system.url}/provisioning-operations/${step}`, {
      method,
      headers: { authorization: `DeviceToken ${String(made.json["token"])}` },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    return (await response.json()) as Json;
  };
  const { provisioningOperationId } = await comes("POST", "init", { deviceId: DEVICE });
  await comes("PUT", "complete", { provisioningOperationId });
  const { namespaces } = (await native.call("get", "/v1/namespaces", {}, {})).json as { namespaces: Json[] };
  const namespace = String(namespaces.find(({ name }) => name === "test")?.["id"]);
  const held = { namespace, device: DEVICE, connection: crypto.randomUUID(), connectedAt: 1_000 };
  return new RemoteHost(native.log.connection).hold(held, () => ({ status: {} }));
}

/** Asks for tunnels as the document describes it. */
export async function tunnels(native: Native): Promise<void> {
  const call = (method: string, path: string, options: CallOptions = {}, device = DEVICE) =>
    native.call(method, `${NS}/${path}`, { ns: "test", device }, options);
  const open = (body: object, more: CallOptions = {}, device = DEVICE) =>
    call("post", "devices/{device}/tunnels", { body, ...more }, device);
  const allow = (remoteAccess: boolean) => call("patch", "settings", { body: { remoteAccess } });

  const release = await connected(native);
  await native.log.connection.flush();
  expect((await open({ port: 22 })).json).toMatchObject({
    ...{ status: 403, detail: "The namespace's settings do not allow remote access." },
  });
  await allow(true);
  const { json: writer } = await call("post", "api-keys", { body: { kind: "native", permission: "write" } });
  expect((await open({ port: 22 }, { key: String(writer["key"]) })).status).toBe(403);
  for (const port of [0, 65_536, "22"]) expect((await open({ port })).status).toBe(400);
  expect((await open({ port: 22 }, {}, "no")).status).toBe(404);
  const { status, json, headers } = await open({ port: 22 });
  expect([status, headers.get("cache-control")]).toEqual([201, "no-store"]);
  expect(String(json["webSocketUrl"])).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/v1\/tunnels\?token=[\w-]+$/);
  await until("it is told", async () => {
    const page = await call("get", "events", { query: `?device=${DEVICE}&type=TunnelRequested` });
    const [event] = page.json["events"] as { data: Json }[];
    return event?.data["tunnel"] === json["id"] && event?.data["port"] === 22;
  });
  release();
  await native.log.connection.flush();
  expect((await open({ port: 22 })).status).toBe(409);
  await allow(false);
}
