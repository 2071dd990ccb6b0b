import type { remote } from "@fieldlog/contracts";
import { RemoteHost } from "@fieldlog/remote";
import { until } from "@fieldlog/testkit";
import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const DEVICE = "/v1/namespaces/{ns}/devices/{device}";
const STREAM = `${DEVICE}/snapshots/stream`;
const jpeg = (n: number) => Buffer.from([0xff, 0xd8, n, 0xff, 0xd9]);

/** An edge that holds a device's connection, without the device: what it is asked, and what it shows. */
async function heldDevice(native: Native) {
  const { namespaces } = (await native.call("get", "/v1/namespaces", {}, {})).json as { namespaces: Json[] };
  const namespace = String(namespaces.find(({ name }) => name === "test")?.["id"]);
  const made = await native.call(
    "post",
    "/v1/namespaces/{ns}/devices",
    { ns: "test" },
    { body: { name: "eye" } },
  );
  const device = String(made.json["id"]);
  const asked: remote.RemoteRequest["request"][] = [];
  const host = new RemoteHost(native.log.connection);
  const hold = async (status: object) => {
    const connection = crypto.randomUUID();
    const held = { namespace, device, connection, connectedAt: 1_000 };
    const release = host.hold(held, (request) => {
      if (request.case !== "getStatus" && request.case !== "replaced") asked.push(request);
      return { status: { connection, connectedAt: 1_000n, ...status } };
    });
    await native.log.connection.flush();
    return release;
  };
  const show = (n: number) => host.show(namespace, device, jpeg(n));
  return { at: { ns: "test", device }, hold, show, asked };
}

/** Calls every operation on what devices see as the document describes it. */
export async function looks(native: Native): Promise<void> {
  const { at, hold, show, asked } = await heldDevice(native);
  const post = (path: string, body?: object) =>
    native.call("post", `${DEVICE}/${path}`, at, body === undefined ? {} : { body });
  const connection = async () => (await native.call("get", `${DEVICE}/connection`, at, {})).json;

  expect(await connection()).toMatchObject({ connected: false, id: null, sensors: null });
  expect((await post("snapshots", {})).status).toBe(409);
  expect(
    (await native.call("post", `${DEVICE}/snapshots`, { ...at, device: "no" }, { body: {} })).status,
  ).toBe(404);
  const sensors = [{ name: "Camera", maxSampleLengthS: 60, frequencies: [] }];
  const streaming = {
    snapshots: true,
    snapshotsStreaming: true,
    inferenceInfoJson: '{"deploymentVersion":1}',
  };
  const release = await hold({ ...streaming, version: 4, encoding: "json", mode: "inference", sensors });
  expect(await connection()).toMatchObject({
    ...{
      connected: true,
      since: "1970-01-01T00:00:01.000Z",
      sensors,
      inferenceInfo: { deploymentVersion: 1 },
    },
  });

  const { json } = await post("snapshots", { resolution: "high", validS: 60 });
  expect(asked.at(-1)).toMatchObject({ case: "wantSnapshots", value: { resolution: "high" } });
  expect(String(json["webSocketUrl"])).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/v1\/snapshots\?token=/);
  const url = String(json["streamUrl"]);
  for (const [where, headers] of [
    [url, {}],
    [url.split("?")[0] ?? "", { authorization: `Bearer ${native.system.adminKey}` }],
  ] as const) {
    const response = await fetch(where, { headers });
    expect([response.status, response.headers.get("content-type")]).toEqual([
      200,
      "multipart/x-mixed-replace; boundary=picture",
    ]);
    native.answered.add(`get ${STREAM}`);
    await sees(response, show);
  }
  expect((await native.call("get", STREAM, at, { key: null })).status).toBe(401);
  expect((await native.call("get", STREAM, at, { key: null, query: "?token=made-up" })).status).toBe(401);
  const other = { ...at, device: "another" };
  const query = `?${url.split("?")[1]}`;
  expect((await native.call("get", STREAM, other, { key: null, query })).status).toBe(401);
  expect((await post("snapshots", { resolution: "huge" })).status).toBe(400);
  expect((await native.call("delete", `${DEVICE}/snapshots`, at, {})).status).toBe(204);

  for (const path of ["inference/start", "inference/stop"]) expect((await post(path)).status).toBe(202);
  const range = { first: 3, last: 5 };
  for (const body of [{ index: 7 }, { range }, { list: [1, 9] }]) {
    expect((await post("inference/records", body)).status).toBe(202);
  }
  for (const body of [
    {},
    { index: 7, range },
    { range: { first: 2, last: 1 } },
    { list: [] },
    { index: -1 },
  ]) {
    expect((await post("inference/records", body)).status).toBe(400);
  }
  expect((await post("model-update", { deploymentVersion: 99 })).status).toBe(404);
  await storeModel(native);
  expect((await post("model-update", {})).status).toBe(202);
  expect(asked.slice(-6)).toMatchObject([
    { case: "wantInference", value: { lasting: true } },
    { case: "stopInference", value: { viewer: "" } },
    { case: "requestRecords", value: { index: 7n } },
    { case: "requestRecords", value: { first: 3n, last: 5n } },
    { case: "requestRecords", value: { list: [1n, 9n] } },
    { case: "updateModel", value: { version: 0 } },
  ]);
  release();
}

async function storeModel(native: Native): Promise<void> {
  const response = await fetch(`${native.system.url}/v1/namespaces/test/models?name=eye`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${native.system.adminKey}`,
      "content-type": "application/octet-stream",
    },
    body: Buffer.from("a model"),
  });
  expect(response.status).toBe(201);
}

/** The newest of what is shown arrives as a part of its own; then the viewer leaves. */
async function sees(response: Response, show: (n: number) => void): Promise<void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let got = Buffer.alloc(0);
  const reading = (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      got = Buffer.concat([got, part.value]);
    }
  })();
  await until("a picture came", () => {
    show(1);
    return got.includes(jpeg(1));
  });
  expect(got.toString("latin1")).toContain(
    `--picture\r\ncontent-type: image/jpeg\r\ncontent-length: 5\r\n\r\n${jpeg(1).toString("latin1")}\r\n--picture\r\n`,
  );
  await reader.cancel();
  await reading;
}
