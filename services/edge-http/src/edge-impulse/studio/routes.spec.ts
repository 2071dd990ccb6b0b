import { Budget, deviceKey, keyHash, OwnWrites } from "@fieldlog/admission";
import { RemoteUnavailable } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import { describe, expect, it } from "vitest";
import { createFastify } from "../../http/server.js";
import { projectIdOf } from "./numbers.js";
import { Projects } from "./projects.js";
import { type StudioRoutesOptions, studioRoutes } from "./routes.js";

const NAMESPACES = [
  { id: "n-1", name: "default" },
  { id: "n-2", name: "test" },
];
const KEYS: Record<string, [namespace: string, permission: string, expiresAt?: number]> = {
  ei_write: ["n-1", "write"],
  ei_read: ["n-1", "read"],
  ei_late: ["n-1", "write", 5],
  fl_admin: ["n-1", "admin"],
  operator: ["", "admin"],
};
const PROJECT = projectIdOf("n-1");
const DEVICE = "15:FE/ü 1";

/** The REST set over services of which each call is noted, and answered with what `answers` has. */
async function door(given: Record<string, unknown> = {}) {
  const answers: Record<string, unknown> = { listNamespaces: { namespaces: NAMESPACES }, ...given };
  const calls: [method: string, asked: Record<string, unknown>][] = [];
  const service = new Proxy(
    {},
    {
      get: (_, method: string) => async (asked: Record<string, unknown>) => {
        calls.push([method, asked]);
        const answer = answers[method] ?? {};
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
  ) as never;
  const keys = new Map(
    Object.entries(KEYS).map(([key, [namespace, permission, expiresAt]]) => [
      keyHash(key),
      { id: key, namespace, permission, expiresAt, budget: new Budget(5, 5) },
    ]),
  );
  const known = {
    keys: { get: async (hash: string) => keys.get(hash) },
    namespaces: { get: async (id: string) => NAMESPACES.find((each) => each.id === id) },
    registered: {
      get: async (key: string) =>
        key === deviceKey("n-1", DEVICE) ? { dialect: "edge-impulse" } : undefined,
      invalidate: () => undefined,
    },
  } as never;
  const remote = {
    ask: async (namespace: string, device: string, request: { case?: string | undefined }) => {
      calls.push([String(request.case), { namespace, device, ...request }]);
      const answer = answers["ask"];
      if (answer instanceof Error) throw answer;
      return answer as never;
    },
    status: async () => answers["status"] as never,
  };
  const app = createFastify();
  const options = {
    parts: {
      ...{ known, remote, ownWrites: new OwnWrites(), auth: service, devices: service, projections: service },
      ...{ sampling: service, projects: new Projects({ known, auth: service, now: () => 10 }) },
    },
    objects: {} as never,
    counts: { note: () => undefined } as never,
    logger: { error: () => undefined },
    stopping: () => false,
  } satisfies StudioRoutesOptions;
  await app.register(studioRoutes, options);
  const ask = async (method: "GET" | "POST", path: string, body?: unknown, key = "ei_write") => {
    const answered = await app.inject({
      ...{ method, url: `/v1/api${path}` },
      headers: { "x-api-key": key, "content-type": "application/json" },
      ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: answered.statusCode, json: answered.json() as Record<string, unknown> };
  };
  return { ask, calls };
}

const device = (path: string) => `/${PROJECT}/device/${encodeURIComponent(DEVICE)}${path}`;

describe("a project", () => {
  it("is a namespace under a number that follows from its id", async () => {
    expect(PROJECT).toBe(projectIdOf("n-1"));
    expect(Number.isSafeInteger(PROJECT)).toBe(true);
    const { ask } = await door();
    const { json } = await ask("GET", "/projects");
    expect(json).toEqual({
      success: true,
      projects: [expect.objectContaining({ id: PROJECT, name: "default", whitelabelId: null })],
    });
    expect(await ask("GET", `/${PROJECT}`)).toMatchObject({
      status: 200,
      json: { project: { id: PROJECT } },
    });
  });

  it("is listed and reached by a key of the installation, whichever it is", async () => {
    const { ask } = await door();
    const { json } = await ask("GET", "/projects", undefined, "operator");
    expect(json["projects"]).toHaveLength(2);
    for (let twice = 0; twice < 2; twice++) {
      const { status } = await ask("GET", `/${projectIdOf("n-2")}`, undefined, "operator");
      expect(status).toBe(200);
    }
  });

  it.each([
    ["another namespace's", String(projectIdOf("n-2")), 403],
    ["none", "1", 403],
    ["no number", "default", 403],
    ["no number either", "-1", 403],
  ])("that is %s is refused", async (_, project, status) => {
    const { ask } = await door();
    expect(await ask("GET", `/${project}`)).toMatchObject({ status, json: { success: false } });
  });
});

describe("a key", () => {
  it.each(["", "ei_unknown", "ei_late", "x".repeat(2_000)])("%# that is not good is refused", async (key) => {
    const { ask } = await door();
    const refused = { success: false, error: "The API key you provided is not valid." };
    expect(await ask("GET", "/projects", undefined, key)).toEqual({ status: 401, json: refused });
  });

  it("does what its permission says", async () => {
    const { ask, calls } = await door();
    const created = { deviceId: DEVICE, deviceType: "BOARD", ifNotExists: true };
    expect((await ask("POST", `/${PROJECT}/devices/create`, created, "ei_read")).status).toBe(403);
    expect((await ask("GET", `/${PROJECT}/devkeys/hmac`, undefined, "ei_read")).status).toBe(403);
    expect((await ask("POST", `/${PROJECT}/apikeys`, { name: "mine" })).status).toBe(403);
    expect(calls).toEqual([]);
    expect((await ask("POST", `/${PROJECT}/apikeys`, { name: "mine" }, "fl_admin")).status).toBe(200);
    const asked = { namespace: "n-1", kind: "edge-impulse", permission: "write", name: "mine" };
    expect(calls).toEqual([["createApiKey", { ...asked, decidedBy: "key:fl_admin" }]]);
  });

  it("that asks too much is told so", async () => {
    const { ask } = await door();
    const statuses = [];
    for (let i = 0; i < 6; i++) statuses.push((await ask("GET", "/projects")).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  });
});

describe("a device", () => {
  it("is created under its own id, and is there already without an error", async () => {
    const { ask, calls } = await door();
    const body = { deviceId: DEVICE, deviceType: "BOARD", ifNotExists: true, more: 1 };
    const answered = await ask("POST", `/${PROJECT}/devices/create`, body);
    expect(answered).toEqual({ status: 200, json: { success: true } });
    expect(calls).toMatchObject([["ensureDevice", { device: DEVICE, metadata: { name: DEVICE } }]]);
  });

  it("is told as it is stored and as it is connected", async () => {
    const stored = {
      ...{ id: DEVICE, dialect: "edge-impulse", registeredAt: 1_000n, number: 7n },
      metadataJson: JSON.stringify({ name: "door", properties: { deviceType: "BOARD" } }),
      sensorsJson: JSON.stringify([
        {
          sensorType: "Accelerometer",
          removed: false,
          details: { frequencies: [62.5], maxSampleLengthS: 60 },
        },
        { sensorType: "Camera", removed: false, details: {} },
        { sensorType: "Gone", removed: true, details: {} },
      ]),
    };
    const away = await door({ getDevice: { device: stored } });
    expect((await away.ask("GET", device(""))).json).toEqual({
      success: true,
      device: {
        ...{
          id: 7,
          deviceId: DEVICE,
          created: "1970-01-01T00:00:01.000Z",
          lastSeen: "1970-01-01T00:00:01.000Z",
        },
        ...{
          name: "door",
          deviceType: "BOARD",
          remote_mgmt_connected: false,
          remoteMgmtMode: "disconnected",
        },
        supportsSnapshotStreaming: false,
        sensors: [
          { name: "Accelerometer", maxSampleLengthS: 60, frequencies: [62.5] },
          { name: "Camera", maxSampleLengthS: 0, frequencies: [] },
        ],
      },
    });
    const status = {
      mode: "inference",
      snapshots: true,
      deviceType: "",
      inferenceInfoJson: '{"projectId":1}',
    };
    const there = await door({ getDevice: { device: stored }, status });
    expect((await there.ask("GET", device(""))).json["device"]).toMatchObject({
      ...{ remote_mgmt_connected: true, remoteMgmtMode: "inference", supportsSnapshotStreaming: true },
      inferenceInfo: { projectId: 1 },
    });
  });

  it("that is unknown, or speaks another dialect, is not found", async () => {
    const unknown = await door({ getDevice: new RpcError("not_found", "no") });
    expect((await unknown.ask("GET", device(""))).status).toBe(404);
    const other = await door({ getDevice: { device: { dialect: "csn" } } });
    expect((await other.ask("GET", device(""))).status).toBe(404);
    expect((await other.ask("POST", `/${PROJECT}/device/other/start-sampling`, SAMPLING)).status).toBe(404);
  });
});

const SAMPLING = { label: "wave", lengthMs: 100, category: "training", intervalMs: 10.5, sensor: "Camera" };

describe("an operator", () => {
  it("asks for a sampling, and is answered with its number at once", async () => {
    const { ask, calls } = await door({
      requestSampling: { sampling: { id: "uuid", number: 12n }, sequence: 12n },
    });
    const { json } = await ask("POST", device("/start-sampling"), { ...SAMPLING, targetSampleCount: 3 });
    expect(json).toEqual({ success: true, id: 12, samplingId: "uuid" });
    const asked = { label: "wave", lengthMs: 100, intervalMs: 10.5, category: "training", sensor: "Camera" };
    expect(calls).toMatchObject([
      ["requestSampling", { namespace: "n-1", device: DEVICE, asked: { ...asked, targetSamples: 3 } }],
    ]);
  });

  it.each([
    [{ ...SAMPLING, lengthMs: 0 }, "lengthMs"],
    [{ ...SAMPLING, lengthMs: 3_600_001 }, "lengthMs"],
    [{ ...SAMPLING, category: "other" }, "category"],
    [{ ...SAMPLING, label: undefined }, "label"],
    ["{", "JSON"],
    ["[]", "body"],
  ])("is told what is wrong with %j", async (body, named) => {
    const { ask, calls } = await door();
    const { status, json } = await ask("POST", device("/start-sampling"), body);
    expect({ status, success: json["success"] }).toEqual({ status: 400, success: false });
    expect(json["error"]).toContain(named);
    expect(calls).toEqual([]);
  });

  it("sees what a camera sees as long as the stream is kept alive, and ends no one else's", async () => {
    const { ask, calls } = await door({ ask: { refused: "" } });
    const { json } = await ask("POST", device("/debug-stream/snapshot/start"), { resolution: "high" });
    const { streamId } = json;
    await ask("POST", device("/debug-stream/keep-alive"), { streamId });
    await ask("POST", device("/debug-stream/stop"), { streamId });
    const viewer = `studio/${streamId}`;
    expect(calls).toMatchObject([
      ["wantSnapshots", { device: DEVICE, value: { resolution: "high", viewer } }],
      ["wantSnapshots", { device: DEVICE, value: { resolution: "high", viewer } }],
      ["stopSnapshots", { value: { viewer } }],
    ]);
  });

  it("follows a model, updates it and asks for its records", async () => {
    const { ask, calls } = await door({ ask: { refused: "" } });
    const { json } = await ask("POST", device("/debug-stream/inference/start"));
    await ask("POST", device("/debug-stream/stop"), json);
    await ask("POST", `/${PROJECT}/devices/${encodeURIComponent(DEVICE)}/request-model-update`);
    const range = { range: { first: 3, last: 5 } };
    await ask("POST", device("/get-impulse-records"), range);
    expect(calls).toMatchObject([
      ["wantInference", { value: { lasting: false } }],
      ["stopInference", {}],
      ["updateModel", { value: { version: 0 } }],
      ["requestRecords", { value: { first: 3n, last: 5n, list: [] } }],
    ]);
    const both = { index: 1, list: [2] };
    expect((await ask("POST", device("/get-impulse-records"), both)).status).toBe(400);
  });

  it("is told why a device does not do it", async () => {
    const path = device("/debug-stream/snapshot/start");
    const away = await door({ ask: undefined });
    expect(await away.ask("POST", path)).toMatchObject({
      ...{ status: 409, json: { success: false, error: "The device is not connected." } },
    });
    const without = await door({ ask: { refused: "it has no camera" } });
    expect(await without.ask("POST", path)).toMatchObject({
      status: 409,
      json: { error: "it has no camera" },
    });
    const silent = await door({ ask: new RemoteUnavailable() });
    expect((await silent.ask("POST", path)).status).toBe(503);
  });
});

describe("a runner", () => {
  it("is told of the newest model", async () => {
    const none = await door({ getModel: new RpcError("not_found", "no") });
    expect((await none.ask("GET", `/${PROJECT}/deployment?type=x`)).json).toEqual({
      ...{ success: true, hasDeployment: false },
    });
    expect((await none.ask("GET", `/${PROJECT}/deployment/download?type=x`)).status).toBe(404);
    const some = await door({ getModel: { model: { stored: { version: 3 } } } });
    expect((await some.ask("GET", `/${PROJECT}/deployment?type=x`)).json).toEqual({
      ...{ success: true, hasDeployment: true, version: 3 },
    });
  });
});

it("refuses in the dialect's form what it does not have, and what was not foreseen", async () => {
  const { ask } = await door({ listHmacKeys: new Error("bug") });
  expect(await ask("GET", `/${PROJECT}/nothing`)).toEqual({
    ...{ status: 404, json: { success: false, error: "There is no such path." } },
  });
  expect(await ask("GET", `/${PROJECT}/devkeys/hmac`)).toEqual({
    ...{ status: 500, json: { success: false, error: "The server failed to answer." } },
  });
  const away = await door({ listHmacKeys: new RpcError("unavailable", "away") });
  expect((await away.ask("GET", `/${PROJECT}/devkeys/hmac`)).status).toBe(503);
});
