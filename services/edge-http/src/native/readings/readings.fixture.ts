import { expect } from "vitest";
import type { Native } from "../native.fixture.js";

const NS = "/v1/namespaces/{ns}";
const BINARY = "application/octet-stream";
const OFFSET = "application/offset+octet-stream";

/** Calls every operation on data requests, offers, uploads and readings as the document describes them. */
export async function asksForData(native: Native): Promise<void> {
  const test = { ns: "test" };
  const call: Native["call"] = (...asked) => native.call(...asked);
  const { json: made } = await call("post", `${NS}/devices`, test, { body: { name: "recorder" } });
  const device = { ...test, device: String(made["id"]) };
  const area = { points: [{ latitude: 34.1, longitude: -118.1 }], withinM: 5_000, start: at(0), end: at(60) };
  const byPlace = await call("post", `${NS}/requests`, test, { body: area });
  expect([byPlace.status, byPlace.json["withinM"]]).toEqual([201, 5_000]);
  const one = { ...test, id: String(byPlace.json["id"]) };
  expect((await call("delete", `${NS}/requests/{id}`, one, {})).status).toBe(204);
  expect((await call("get", `${NS}/requests/{id}`, one, {})).json["state"]).toBe("withdrawn");
  await call("post", `${NS}/requests`, test, { body: { device: device.device, current: true } });
  const listed = await call("get", `${NS}/requests`, test, { query: "?limit=1" });
  expect(listed.json).toMatchObject({ requests: [{ state: "open" }], next: expect.any(Number) });
  for (const body of [
    {},
    { device: "x", current: true, start: at(0) },
    { device: "x", start: at(9), end: at(1) },
  ]) {
    expect((await call("post", `${NS}/requests`, test, { body })).status).toBe(400);
  }

  const offer = { sensor: "0", current: true, format: BINARY };
  const offers = [offer, offer, { ...offer, current: undefined }];
  const asked = await call("post", `${NS}/devices/{device}/offers`, device, { body: { offers } });
  const [whole, resumed, unwanted] = asked.json["answers"] as [
    { url: string; reading: number },
    { url: string; reading: number },
    null,
  ];
  expect(unwanted).toBeNull();
  const tokenOf = ({ url }: { url: string }) => ({ token: url.split("/").at(-1) ?? "" });
  expect((await call("options", "/uploads/{token}", tokenOf(whole), { key: null })).status).toBe(204);
  expect((await call("put", "/uploads/{token}", tokenOf(whole), { key: null, body: [1, 2, 3] })).status).toBe(
    201,
  );
  const again = await call("post", "/uploads/{token}", tokenOf(whole), { key: null, body: [1, 2, 3] });
  expect(again.status).toBe(409);
  const headers = {
    ...{ "tus-resumable": "1.0.0", "content-type": OFFSET, "upload-offset": "0", "upload-length": "7" },
  };
  const patched = await call("patch", "/uploads/{token}", tokenOf(resumed), {
    key: null,
    body: [1, 2, 3],
    headers,
  });
  expect(patched.status).toBe(204);
  const third = await call("post", `${NS}/devices/{device}/offers`, device, { body: { offers: [offer] } });
  const [posted] = third.json["answers"] as [{ url: string }];
  expect((await call("post", "/uploads/{token}", tokenOf(posted), { key: null, body: [1] })).status).toBe(
    201,
  );

  const reading = { ...test, number: String(resumed.reading) };
  const all = await call("get", `${NS}/readings`, test, { query: `?device=${device.device}` });
  expect(all.json["readings"]).toHaveLength(3);
  expect((await call("get", `${NS}/readings/{number}`, reading, {})).json).toMatchObject({
    bytes: 7,
    waveform: null,
  });
  expect((await call("get", `${NS}/readings/{number}`, reading, { query: "?format=csv" })).status).toBe(406);
  const data = `${NS}/readings/{number}/data`;
  expect((await call("get", data, reading, { headers: { range: "bytes=0-1" } })).status).toBe(206);
  expect((await call("get", data, reading, { headers: { range: "bytes=7-" } })).status).toBe(416);
  const token = await call("post", `${NS}/readings/{number}/tokens`, reading, { body: {} });
  const download = { ns: "test", id: reading.number };
  const query = `?token=${token.json["token"]}`;
  expect((await call("get", "/json/v1/{ns}/data/reading/{id}", download, { key: null, query })).status).toBe(
    200,
  );
  expect((await call("delete", `${NS}/readings/{number}`, reading, {})).status).toBe(204);
  expect((await call("get", data, reading, {})).status).toBe(404);
}

const at = (s: number) => new Date(Date.UTC(2026, 4, 1, 12, 0, s)).toISOString();
