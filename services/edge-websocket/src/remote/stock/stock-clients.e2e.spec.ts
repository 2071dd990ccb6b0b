import { randomBytes } from "node:crypto";
import { isFree } from "@fieldlog/servers";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Api, type Json } from "../../client.fixture.js";
import { PICTURE, StockClient } from "./stock-client.fixture.js";

const PORTS = [4800, 4802, 4810];
const SETTINGS = {
  FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS: "true",
  FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
};
const RELEASES = ["1.3", "1.8", "1.25"] as const;
let servers: TestServers;
let system: System;
let api: Api;
let key: string;
const open: StockClient[] = [];

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("stock_clients");
  // Another run of this test on this machine ends soon.
  const free = async () => (await Promise.all(PORTS.map((port) => isFree(port)))).every(Boolean);
  await until("the ports that the clients hard-wire are free", free, 120_000);
  system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true, settings: SETTINGS },
  });
  api = new Api(system);
  key = await keyOf("edge-impulse", "write");
}, 240_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.stop()));
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function keyOf(kind: string, permission: string): Promise<string> {
  const { json } = await api.call("POST", "namespaces/test/api-keys", { kind, permission });
  return String(json["key"]);
}

/** One that is connected, and knows it. */
async function connected(order: Parameters<typeof StockClient.start>[0]): Promise<StockClient> {
  const client = await StockClient.start(order);
  open.push(client);
  await client.said(
    order.inference && order.release === "1.8"
      ? "Connected to Remote Management"
      : "is now connected to project",
  );
  return client;
}

const of = (device: string) => `namespaces/test/devices/${device}`;

async function sampled(device: string, asked: Json): Promise<Json> {
  const { status, json } = await api.call("POST", `${of(device)}/samples`, {
    ...{ label: "wave", lengthMs: 100, intervalMs: 10, category: "training", ...asked },
  });
  expect(status).toBe(202);
  const id = json["id"];
  return until("the sampling has ended", async () => {
    const { json: now } = await api.call("GET", `${of(device)}/samples/${id}`);
    return now["endedAt"] === null ? undefined : now;
  });
}

const eventsOf = async (device: string, name: string) => {
  const { json } = await api.call("GET", `namespaces/test/events?device=${device}&type=${name}&limit=100`);
  return (json["events"] ?? []) as Json[];
};

/** As a stock REST client of an operator asks. */
async function studio(path: string, body?: Json): Promise<Json> {
  const answered = await fetch(`http://127.0.0.1:4800/v1/api/${path}`, {
    headers: { "x-api-key": key, "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  return (await answered.json()) as Json;
}

describe.each(RELEASES)("edge-impulse-linux %s", (release) => {
  const device = `stock-${release}`;

  it("connects, gets a name, samples when it is asked, and what it uploads arrives", async () => {
    const client = await connected({ release, apiKey: key });
    expect(client.of("asked-name")).toEqual([{ kind: "asked-name", name: device }]);
    const first = await sampled(device, { sensor: "Camera (320x240)" });
    expect(first).toMatchObject({ state: "arrived", label: "wave" });
    const [asked] = client.of("asked-sample");
    expect(asked?.asked).toMatchObject({ label: "wave", length: 100, path: "/api/training/data" });
    const second = await sampled(device, { sensor: "Microphone", category: "testing", label: "ü 2" });
    expect(second).toMatchObject({ state: "arrived" });
    const steps = (second["steps"] as { name: string }[]).map(({ name }) => name);
    expect(steps).toEqual(expect.arrayContaining(["started", "processing", "reading", "uploading"]));
    const { json } = await api.call("GET", `namespaces/test/samples/${second["sample"]}`);
    // The oldest has none.
    const metadata = release === "1.3" ? {} : { by: "stock" };
    expect(json).toMatchObject({ label: "ü 2", category: "testing", device, metadata });
    const bytes = await fetch(`${system.url}/v1/namespaces/test/samples/${second["sample"]}/data`, {
      headers: { authorization: `Bearer ${system.adminKey}` },
    });
    expect(Buffer.from(await bytes.arrayBuffer()).subarray(0, 2)).toEqual(PICTURE.subarray(0, 2));
    expect(client.exited).toBeUndefined();
  });

  it("comes again under the name that it has", async () => {
    const client = await connected({ release, apiKey: key });
    expect(client.of("asked-name")).toEqual([]);
    const project = client.of("logged-in")[0]?.project;
    const { device: shown } = await studio(`${project}/device/${device}`);
    expect(shown).toMatchObject({ deviceId: device, name: `${device} renamed`, remoteMgmtMode: "ingestion" });
  });

  it("shows what its camera sees while somebody looks, and samples meanwhile", async () => {
    await connected({ release, apiKey: key });
    const { json } = await api.call("POST", `${of(device)}/snapshots`, {});
    const leave = new AbortController();
    const stream = await fetch(String(json["streamUrl"]), { signal: leave.signal });
    expect(stream.headers.get("content-type")).toContain("multipart/x-mixed-replace");
    let seen = Buffer.alloc(0);
    for await (const chunk of stream.body ?? []) {
      seen = Buffer.concat([seen, chunk]);
      if (seen.includes(PICTURE)) break;
    }
    expect(seen.includes(PICTURE)).toBe(true);
    expect(await sampled(device, { sensor: "Camera (320x240)" })).toMatchObject({ state: "arrived" });
    leave.abort();
    await until("it was told to stop", async () => (await eventsOf(device, "SnapshotStopped")).length > 0);
  });

  it("is told that its key is not good", async () => {
    const client = await StockClient.start({ release, apiKey: await keyOf("edge-impulse", "read") });
    open.push(client);
    await client.reported("authentication-failed");
  });
});

describe.each(["1.8", "1.25"] as const)("the runner of edge-impulse-linux %s", (release) => {
  const deviceId = `runner-${release}`;
  const result = (label: string) => ({
    result: { classification: { [label]: 0.9 } },
    timing: { dsp: 1, classification: 2, anomaly: 0 },
  });

  it("tells what its model sees, live and from before, and takes a new model", async () => {
    const client = await connected({ release, apiKey: key, inference: true, deviceId });
    client.tell(result("before"));
    expect((await api.call("POST", `${of(deviceId)}/inference/start`, {})).status).toBeLessThan(300);
    await until("the stream has started", async () => {
      return (await eventsOf(deviceId, "InferenceStreamStarted")).length > 0;
    });
    for (const label of ["live-1", "live-2", "live-3"]) client.tell(result(label));
    await until("all have come", async () => (await eventsOf(deviceId, "InferenceRecord")).length >= 3);
    const asked = await api.call("POST", `${of(deviceId)}/inference/records`, { list: [1, 0] });
    expect(asked.status).toBeLessThan(300);
    await until("the one from before has come", async () => {
      const records = await eventsOf(deviceId, "InferenceRecord");
      return JSON.stringify(records).includes("before");
    });
    client.tell({ flush: true });
    await until("so has its summary", async () => (await eventsOf(deviceId, "InferenceSummary")).length > 0);

    const model = Buffer.from(`model for ${release}`);
    const stored = await fetch(`${system.url}/v1/namespaces/test/models?name=cats.eim`, {
      ...{ method: "POST", body: model },
      headers: { authorization: `Bearer ${system.adminKey}`, "content-type": "application/octet-stream" },
    });
    expect(stored.status).toBe(201);
    await api.call("POST", `${of(deviceId)}/model-update`, { deploymentVersion: "latest" });
    const { bytes } = await client.reported("new-model");
    expect(Buffer.from(bytes, "base64")).toEqual(model);
    await until("it says so", async () => (await eventsOf(deviceId, "ModelUpdated")).length > 0);
    expect(client.exited).toBeUndefined();
  });
});

it("a client that logs in by token makes a key of its own", async () => {
  const apiKey = await keyOf("native", "admin");
  const client = await connected({ release: "1.25", apiKey, byToken: true, deviceId: "by-token" });
  expect(client.of("logged-in")[0]?.hmacKey).toMatch(/^[0-9a-f]{32}$/);
});

it("an operator asks by the original's paths", async () => {
  const client = await connected({ release: "1.25", apiKey: key, deviceId: "operated" });
  const project = client.of("logged-in")[0]?.project;
  const at = `${project}/device/operated`;
  const sampling = {
    label: "op",
    lengthMs: 50,
    category: "training",
    intervalMs: 10,
    sensor: "Camera (320x240)",
  };
  expect(await studio(`${at}/start-sampling`, sampling)).toMatchObject({ success: true });
  await client.reported("uploaded");
  const { streamId } = await studio(`${at}/debug-stream/snapshot/start`, { resolution: "high" });
  await until("it streams", async () => (await eventsOf("operated", "SnapshotStarted")).length > 0);
  expect(await studio(`${at}/debug-stream/keep-alive`, { streamId })).toEqual({ success: true });
  expect(await studio(`${at}/debug-stream/stop`, { streamId })).toEqual({ success: true });
  await until("it stops", async () => (await eventsOf("operated", "SnapshotStopped")).length > 0);
});

it("a second system that is to use the same ports does not start, and names the setting", async () => {
  const postgresUrl = await servers.databaseUrl("stock_clients_2");
  const second = startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true, settings: SETTINGS },
  });
  await expect(second).rejects.toThrow("FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS: port 48");
});
