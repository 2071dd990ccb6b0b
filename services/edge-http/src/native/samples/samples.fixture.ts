import { parquetReadObjects } from "hyparquet";
import { expect } from "vitest";
import type { Json, Native } from "../native.fixture.js";

const SAMPLES = "/v1/namespaces/{ns}/samples";
const ONE = `${SAMPLES}/{number}`;
const MODELS = "/v1/namespaces/{ns}/models";

const document = (values: unknown) => ({
  ...{ protected: { ver: "v1", alg: "none" }, signature: "" },
  payload: {
    ...{ device_name: "board-1", device_type: "BOARD", interval_ms: 10, values },
    sensors: [
      { name: "accX", units: "m/s2" },
      { name: "accY", units: "m/s2" },
    ],
  },
});

const namespace = { ns: "samples" };

/** Sends it as a board does. */
async function send(native: Native, name: string, label: string, body: string, headers: object = {}) {
  const response = await fetch(`${native.system.url}/api/training/data`, {
    method: "POST",
    headers: { "x-api-key": key, "x-file-name": name, "x-label": label, ...headers },
    body,
  });
  expect([response.status, await response.text()]).toEqual([200, name]);
}

let key = "";

/** Stores samples, and calls every operation on them as the document describes it. */
export async function keepsSamples(native: Native): Promise<void> {
  await native.call("post", "/v1/namespaces", {}, { body: { name: namespace.ns } });
  const made = await native.call("post", "/v1/namespaces/{ns}/api-keys", namespace, {
    body: { kind: "edge-impulse", permission: "write" },
  });
  key = String(made.json["key"]);
  const wave = [
    [1, 2],
    [3, 4.5],
  ];
  await send(native, "wave.1", "wave", JSON.stringify(document(wave)), {
    "x-metadata": JSON.stringify({ site: "cellar" }),
  });
  await send(native, "idle.1", 'idle, "quiet"', JSON.stringify(document([[5, 6]])));
  const numbers = await finds(native);
  await reads(native, numbers);
  await exports(native, numbers);
  await changes(native, numbers);
  await keepsModels(native);
  const cleared = await native.call("post", "/v1/namespaces/{ns}/clear", namespace, {});
  expect(cleared.status).toBe(200);
  expect((await native.call("get", SAMPLES, namespace, {})).json["samples"]).toEqual([]);
  expect((await native.call("get", MODELS, namespace, {})).json["models"]).toEqual([]);
}

async function finds(native: Native): Promise<{ wave: string; idle: string }> {
  const listed = await native.call("get", SAMPLES, namespace, {});
  expect(listed.json).toMatchObject({
    samples: [
      { label: "wave", fileName: "wave.1", category: "training", signature: "unsigned", values: 2 },
      { label: 'idle, "quiet"', intervalMs: 10, axes: [{ name: "accX", units: "m/s2" }, { name: "accY" }] },
    ],
    next: null,
  });
  const [wave, idle] = (listed.json["samples"] as Json[]).map(({ number }) => String(number));
  const found = async (query: string) => {
    const { json } = await native.call("get", SAMPLES, namespace, { query });
    return (json["samples"] as Json[]).map(({ number }) => String(number));
  };
  expect(await found("?metadata.site=cellar")).toEqual([wave]);
  expect(await found("?label=wave&category=training&signature=unsigned&enabled=true")).toEqual([wave]);
  expect(await found("?fileName=idle*")).toEqual([idle]);
  expect(await found("?category=testing")).toEqual([]);
  const first = await native.call("get", SAMPLES, namespace, { query: "?limit=1" });
  expect(await found(`?limit=1&after=${first.json["next"]}`)).toEqual([idle]);
  for (const query of ["?lable=x", "?metadata.=x", "?limit=0", "?sha256=1", "?metadata.a=1&metadata.a=2"]) {
    expect((await native.call("get", SAMPLES, namespace, { query })).status).toBe(400);
  }
  const { json } = await native.call("get", `${SAMPLES}/labels`, namespace, {});
  expect(json["labels"]).toMatchObject([
    { category: "training", label: 'idle, "quiet"', samples: 1 },
    { category: "training", label: "wave", samples: 1, lengthMs: 20 },
  ]);
  return { wave: String(wave), idle: String(idle) };
}

async function reads(native: Native, { wave }: { wave: string }): Promise<void> {
  const one = { ...namespace, number: wave };
  const { json } = await native.call("get", ONE, one, {});
  expect(json).toMatchObject({ number: Number(wave), metadata: { site: "cellar" }, annotations: null });
  // Of the media type that the board gave, which the document cannot know.
  const data = await fetch(urlOf(native, `/${wave}/data`), { headers: bearer(native) });
  expect(await data.json()).toMatchObject({ payload: { device_name: "board-1" } });
  expect(data.headers.get("etag")).toBe(`"${json["sha256"]}"`);
  expect(data.headers.get("content-disposition")).toBe('attachment; filename="wave.1"');
  const range = await fetch(urlOf(native, `/${wave}/data`), {
    headers: bearer(native, { range: "bytes=0-1" }),
  });
  expect([range.status, await range.text()]).toEqual([206, '{"']);
  native.answered.add(`get ${ONE}/data`);
  const same = { "if-none-match": `"${json["sha256"]}"` };
  expect((await fetch(urlOf(native, `/${wave}/data`), { headers: bearer(native, same) })).status).toBe(304);
  const values = await native.call("get", `${ONE}/values`, one, {});
  expect(values.json).toMatchObject({
    deviceName: "board-1",
    intervalMs: 10,
    values: [
      [1, 2],
      [3, 4.5],
    ],
  });
  const csv = await fetch(urlOf(native, `/${wave}/values?format=csv`), { headers: bearer(native) });
  expect(await csv.text()).toBe("timestamp,accX,accY\r\n0,1,2\r\n10,3,4.5\r\n");
  for (const number of ["0", "x", "999999999"]) {
    for (const path of [ONE, `${ONE}/data`, `${ONE}/values`]) {
      expect((await native.call("get", path, { ...namespace, number }, {})).status).toBe(404);
    }
  }
}

async function exports(native: Native, { wave, idle }: { wave: string; idle: string }): Promise<void> {
  const open = async (query: string) => {
    const answer = await fetch(urlOf(native, `/export${query}`), { headers: bearer(native) });
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const csv = await open("?format=csv&label=wave");
  expect(csv.bytes.toString()).toBe(
    [
      "sample,category,label,device,sensor,time_ms,axis,units,value",
      ...[`${wave},training,wave,,,0,accX,m/s2,1`, `${wave},training,wave,,,0,accY,m/s2,2`],
      ...[`${wave},training,wave,,,10,accX,m/s2,3`, `${wave},training,wave,,,10,accY,m/s2,4.5`, ""],
    ].join("\r\n"),
  );
  const { bytes } = await open("?format=parquet");
  const file = new Uint8Array(bytes).buffer;
  const rows = await parquetReadObjects({ file });
  expect(rows).toHaveLength(6);
  expect(rows.at(-1)).toEqual({
    ...{ sample: BigInt(idle), category: "training", label: 'idle, "quiet"', device: "", sensor: "" },
    ...{ time_ms: 0, axis: "accY", units: "m/s2", value: 6 },
  });
  const zip = (await open("")).bytes;
  expect(zip.subarray(0, 4)).toEqual(Buffer.from("PK\u0003\u0004"));
  const text = zip.toString("latin1");
  expect(text).toContain(`training/wave/${wave}-wave.1`);
  expect(text).toContain(`training/idle, _quiet_/${idle}-idle.1`);
  expect(text).toContain("samples.jsonl");
  expect((await open("?category=testing&format=csv")).bytes.toString().split("\r\n")).toHaveLength(2);
  expect((await open("?format=xml")).status).toBe(400);
  native.answered.add(`get ${SAMPLES}/export`);
}

async function changes(native: Native, { wave, idle }: { wave: string; idle: string }): Promise<void> {
  const one = { ...namespace, number: wave };
  const body = { category: "testing", label: null, metadata: { site: null, by: "hand" }, enabled: false };
  const changed = await native.call("patch", ONE, one, { body });
  expect(changed.json).toMatchObject({ ...body, metadata: { by: "hand" } });
  expect((changed.json["metadata"] as Json)["site"]).toBeUndefined();
  expect(Number(changed.headers.get("fieldlog-position"))).toBeGreaterThan(0);
  expect((await native.call("patch", ONE, one, { body: { category: "split" } })).status).toBe(400);
  expect((await native.call("patch", ONE, one, { body: { labels: "x" } })).status).toBe(400);
  const missing = { ...namespace, number: "1" };
  expect((await native.call("patch", ONE, missing, { body: {} })).status).toBe(404);
  const gone = { ...namespace, number: idle };
  for (let i = 0; i < 2; i++) expect((await native.call("delete", ONE, gone, {})).status).toBe(204);
  expect((await native.call("get", ONE, gone, {})).status).toBe(404);
  expect((await native.call("get", `${ONE}/data`, gone, {})).status).toBe(404);
}

async function keepsModels(native: Native): Promise<void> {
  const query = "?name=house.eim";
  const headers = { "content-type": "application/octet-stream" };
  const body = { weights: [1, 2] };
  const stored = await native.call("post", MODELS, namespace, { query, headers, body });
  expect([stored.status, stored.json]).toMatchObject([
    201,
    { version: 1, name: "house.eim", mediaType: headers["content-type"], bytes: 17 },
  ]);
  expect((await native.call("post", MODELS, namespace, { query, headers, body })).json["version"]).toBe(2);
  expect((await native.call("post", MODELS, namespace, { body: {} })).status).toBe(400);
  expect((await native.call("post", MODELS, namespace, { query })).status).toBe(400);
  const { json } = await native.call("get", MODELS, namespace, {});
  expect(json["models"]).toMatchObject([{ version: 2 }, { version: 1 }]);
  const one = { ...namespace, version: "1" };
  const data = await native.call("get", `${MODELS}/{version}/data`, one, {});
  expect(data.json).toEqual(body);
  expect(data.headers.get("content-disposition")).toBe('attachment; filename="house.eim"');
  const latest = { ...namespace, version: "latest" };
  expect((await native.call("get", `${MODELS}/{version}`, latest, {})).json["version"]).toBe(2);
  expect((await native.call("delete", `${MODELS}/{version}`, latest, {})).status).toBe(404);
  expect((await native.call("delete", `${MODELS}/{version}`, one, {})).status).toBe(204);
  expect((await native.call("get", `${MODELS}/{version}`, one, {})).status).toBe(404);
}

function urlOf({ system }: Native, path: string): string {
  return `${system.url}/v1/namespaces/${namespace.ns}/samples${path}`;
}

function bearer({ system }: Native, more: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${system.adminKey}`, ...more };
}
