import { SOON_MS, type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import mqtt from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Json = Record<string, unknown>;

const PATH = "/v1/namespaces/test";
const INACTIVE_AFTER_S = 4;

let servers: TestServers;
let system: System;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("liveness");
  system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl, apart: { liveness: 2 } },
    settings: { FIELDLOG_CRED_PING_TIMEOUT_S: "4" },
  });
  await call("PATCH", "/settings", { heartbeatS: 1, inactiveAfterS: INACTIVE_AFTER_S });
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function call(method: string, path: string, body?: Json, base = `${system.url}${PATH}`): Promise<Json> {
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === "" ? {} : (JSON.parse(text) as Json);
}

async function createDevice(name: string): Promise<{ id: string; secret: string }> {
  const { id, secret } = await call("POST", "/devices", { name });
  return { id: String(id), secret: String(secret) };
}

/** What the log tells of a device: `+` or `-` and the reason. */
async function told(device: string, path = ""): Promise<string[]> {
  const { events } = await call("GET", `${path}/events?device=${device}&limit=1000`);
  const own = (events as Json[]).filter(({ type }) => String(type).startsWith("DeviceBecame"));
  return own.map(({ type, data, time, recordedtime }) => {
    const late = Date.parse(String(recordedtime)) - Date.parse(String(time));
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(SOON_MS);
    return `${type === "DeviceBecameActive" ? "+" : "-"}${String((data as Json)["reason"])}`;
  });
}

const tells = (device: string, expected: string[]) =>
  until(`${device} ${expected}`, async () => {
    expect(await told(device)).toEqual(expected);
    return true;
  });

describe("a device that tells that it lives", () => {
  it("is active, and is not when it falls silent: told by events, once, whoever of liveness is killed", async () => {
    const { id } = await createDevice("by-http");
    const beat = () => call("POST", `/devices/${id}/heartbeat`, { status: "update" });
    await beat();
    await tells(id, ["+heartbeat"]);
    await system.processes["liveness"]?.kill();
    await beat();
    await tells(id, ["+heartbeat", "-timeout"]);
    await system.processes["liveness"]?.start();
    await system.processes["liveness-2"]?.kill();
    await call("POST", "/events", { name: "door", device: id });
    await tells(id, ["+heartbeat", "-timeout", "+heartbeat", "-timeout"]);
    await system.processes["liveness-2"]?.start();
    const now = await call("GET", `/devices/${id}/liveness`);
    expect(now).toMatchObject({ device: id, state: "inactive", inactiveAfterS: INACTIVE_AFTER_S });
    expect(await told(id)).toHaveLength(4);
  });

  it("by MQTT is active with its heartbeats, and killed when its connection is lost and it left a will", async () => {
    await call("PATCH", "/settings", { heartbeatS: 60, inactiveAfterS: 600 });
    const { id, secret } = await createDevice("by-mqtt");
    const will = { topic: `${id}/gone`, payload: Buffer.from("gone"), qos: 1 as const, retain: false };
    const client = await mqtt.connectAsync(system.mqttUrl, {
      ...{ username: id, password: secret, protocolVersion: 5, clientId: id, will, reconnectPeriod: 0 },
    });
    await client.publishAsync(`heartbeats/${id}`, "", { qos: 1 });
    await tells(id, ["+heartbeat"]);
    client.stream.destroy();
    await tells(id, ["+heartbeat", "-status"]);
    expect(await call("GET", `/devices/${id}/liveness`)).toMatchObject({ status: "killed" });
    await client.endAsync(true).catch(() => undefined);
  });

  it("is subscribed to as any event, and nobody else can tell of it", async () => {
    const { id } = await createDevice("subscribed");
    const names = ["DeviceBecameActive", "DeviceBecameInactive"];
    const made = await call("POST", "/subscriptions", {
      ...{ name: "who-lives", delivery: "poll", filters: [{ names, devices: [id] }] },
    });
    await call("POST", `/devices/${id}/heartbeat`, {});
    await call("POST", `/devices/${id}/heartbeat`, { status: "shutdown" });
    const polled = await until("both are there", async () => {
      const { events } = await call("GET", `/subscriptions/${String(made["id"])}/events?limit=10`);
      return (events as Json[]).length === 2 && (events as Json[]);
    });
    expect(polled.map(({ type }) => type)).toEqual(names);
    for (const name of names) {
      await expect(call("POST", "/events", { name, device: id })).rejects.toThrow("400");
    }
  });

  it("in cred's words is active for its ping time-out, by every request that it makes", async () => {
    const { key } = await call(
      "POST",
      "/api-keys",
      { kind: "cred", permission: "write" },
      `${system.url}/v1/namespaces/default`,
    );
    const response = await fetch(`${system.url}/auth`, {
      ...{ method: "POST", headers: { "content-type": "application/json" } },
      body: JSON.stringify({ apikey: key, device: "cred client" }),
    });
    expect(response.status).toBe(201);
    const ns = `${system.url}/v1/namespaces/default`;
    const state = async (wanted: string) => {
      const { devices } = await call("GET", `/liveness?state=${wanted}`, undefined, ns);
      return (devices as Json[])[0];
    };
    expect(await until("it is active", () => state("active"))).toMatchObject({ inactiveAfterS: 4 });
    await until("it is inactive", () => state("inactive"));
  });
});
