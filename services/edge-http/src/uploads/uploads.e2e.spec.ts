import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { Upload } from "tus-js-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const MIB = 1024 * 1024;
const START = "2026-05-01T12:00:00.000Z";
const END = "2026-05-01T12:00:00.060Z";
/** A saf.DataRecord byte by byte (A5): 20 ms; three axes of three samples in g. */
const RECORD = Buffer.from(
  [
    "0814",
    "121a0a18 0000000000000000 000000000000d03f 000000000000e0bf", // 0, 0.25, -0.5
    "121a0a18 000000000000f03f 0000000000000040 0000000000000840", // 1, 2, 3
    "121a0a18 000000000000f03f 000000000000f03f 000000000000f03f", // 1, 1, 1
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

let servers: TestServers;
let system: System;
let device = "";

beforeAll(async () => {
  servers = await startServers();
  system = await startSystem({
    natsUrl: servers.nats.url,
    postgresUrl: await servers.databaseUrl("uploads"),
    apart: { "edge-http": 1, offers: 1 },
  });
  device = (await api("POST", "/devices", { name: "station" })).json.id;
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

const NAMESPACE = "/v1/namespaces/test";

async function api(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${system.url}${NAMESPACE}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const text = bytes.toString();
  // biome-ignore lint/suspicious/noExplicitAny: any JSON, held against literals
  const json: any = text.startsWith("{") ? JSON.parse(text) : {};
  return { status: response.status, headers: response.headers, bytes, text, json };
}

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

/** Asks the device for a stretch, which it then offers; where to send it. */
async function offered(more: object = {}) {
  const asked = await api("POST", "/requests", { device, start: START, end: END, note: "a test" });
  expect([asked.status, asked.json.state]).toEqual([201, "open"]);
  const { answers } = (await offer({ request: asked.json.number, ...more })).json;
  return { request: asked.json, ...(answers[0] as { url: string; reading: number; maxBytes: number }) };
}

function offer(more: object, id?: string) {
  const one = {
    sensor: "0",
    sensorType: "accelerometer-3-axis",
    start: START,
    end: END,
    format: "data-record",
  };
  return api("POST", `/devices/${device}/offers`, { offers: [{ ...one, ...more }], ...(id && { id }) });
}

async function put(url: string, content: Uint8Array): Promise<{ status: number; text: string }> {
  const headers = { accept: "application/json" };
  const response = await fetch(url, { method: "PUT", headers, body: content as Uint8Array<ArrayBuffer> });
  return { status: response.status, text: await response.text() };
}

describe("a recording that was asked for", () => {
  let url = "";
  let reading = 0;

  it("is offered, sent, and told of as an event", async () => {
    const made = await offered({ fileName: "störung 1.rec" });
    ({ url, reading } = made);
    expect(url).toMatch(new RegExp(`^${system.url}/uploads/[\\w-]+$`));
    const { status, text } = await put(url, RECORD);
    expect(status).toBe(201);
    expect(JSON.parse(text)).toEqual({ id: reading, bytes: RECORD.length, sha256: sha256(RECORD) });
    const events = await until("it is an event", async () => {
      const { json } = await api("GET", "/events?type=ReadingUploaded");
      return json.events.length > 0 && json.events;
    });
    expect(events).toMatchObject([{ device, data: { reading, sensor: "0", sha256: sha256(RECORD) } }]);
    await until("the request is fulfilled", async () => {
      const { json } = await api("GET", `/requests/${made.request.id}`);
      return json.state === "fulfilled" && json.uploads === 1;
    });
    const { json } = await api("GET", `/readings?device=${device}&limit=10`);
    expect(json).toMatchObject({
      readings: [{ number: reading, state: "stored", bytes: RECORD.length, request: made.request.number }],
      next: null,
    });
  });

  it("is read as JSON, CSV and a plot", async () => {
    const { json } = await api("GET", `/readings/${reading}`);
    expect(json.waveform).toEqual({
      ...{ spacingMs: 20, start: START, end: END, locations: [] },
      streams: [
        { name: "N", unit: "g", count: 3, min: -0.5, max: 0.25, mean: -0.25 / 3, samples: [0, 0.25, -0.5] },
        { name: "E", unit: "g", count: 3, min: 1, max: 3, mean: 2, samples: [1, 2, 3] },
        { name: "Z", unit: "g", count: 3, min: 1, max: 1, mean: 1, samples: [1, 1, 1] },
      ].map((stream) => ({ ...stream, mean: expect.closeTo(stream.mean, 12) })),
    });
    const brief = await api("GET", `/readings/${reading}?samples=false`);
    expect(brief.json.waveform.streams[0]).not.toHaveProperty("samples");
    const csv = await api("GET", `/readings/${reading}`, undefined, { accept: "text/csv" });
    expect(csv.headers.get("content-type")).toContain("text/csv");
    expect(csv.text).toBe(
      `time,N (g),E (g),Z (g)\r\n${START},0,1,1\r\n2026-05-01T12:00:00.020Z,0.25,2,1\r\n2026-05-01T12:00:00.040Z,-0.5,3,1\r\n`,
    );
    const svg = await api("GET", `/readings/${reading}?format=svg`);
    expect(svg.headers.get("content-type")).toBe("image/svg+xml");
    expect(svg.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(svg.text).toContain(`Reading ${reading}: device ${device}, sensor 0`);
  });

  it("is downloaded whole or in ranges", async () => {
    const path = `/readings/${reading}/data`;
    const whole = await api("GET", path);
    expect([whole.status, whole.bytes.equals(RECORD)]).toEqual([200, true]);
    expect(whole.headers.get("etag")).toBe(`"${sha256(RECORD)}"`);
    expect(whole.headers.get("content-disposition")).toBe(
      `attachment; filename="st_rung 1.rec"; filename*=UTF-8''st%C3%B6rung%201.rec`,
    );
    const range = await api("GET", path, undefined, { range: "bytes=2-9" });
    expect([range.status, range.headers.get("content-range")]).toEqual([206, `bytes 2-9/${RECORD.length}`]);
    expect(range.bytes.equals(RECORD.subarray(2, 10))).toBe(true);
    const stale = await api("GET", path, undefined, { range: "bytes=2-9", "if-range": '"other"' });
    expect(stale.status).toBe(200);
    const beyond = await api("GET", path, undefined, { range: `bytes=${RECORD.length}-` });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, `bytes */${RECORD.length}`]);
    const fresh = await api("GET", path, undefined, { "if-none-match": `"${sha256(RECORD)}"` });
    expect([fresh.status, fresh.bytes.length]).toEqual([304, 0]);
    const head = await fetch(`${system.url}${NAMESPACE}${path}`, {
      method: "HEAD",
      headers: { authorization: `Bearer ${system.adminKey}` },
    });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(RECORD.length)]);
    expect((await api("GET", "/readings/1/data")).status).toBe(404);
  });

  it("is downloaded by the original's path with a token, or a key, and with nothing else", async () => {
    const made = await api("POST", `/readings/${reading}/tokens`, { validS: 60 });
    expect(made.status).toBe(201);
    expect(made.json.url).toBe(`${system.url}/json/v1/test/data/reading/${reading}?token=${made.json.token}`);
    const answer = await fetch(made.json.url);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-disposition")).toContain('"st_rung 1.rec"');
    expect(Buffer.from(await answer.arrayBuffer()).equals(RECORD)).toBe(true);
    const plain = `${system.url}/json/v1/test/data/reading/${reading}`;
    const byKey = await fetch(plain, { headers: { authorization: `Bearer ${system.adminKey}` } });
    expect(byKey.status).toBe(200);
    await byKey.arrayBuffer();
    expect((await fetch(plain)).status).toBe(401);
    const altered = made.json.token.replace(/.$/, (last: string) => (last === "A" ? "B" : "A"));
    const refused = await fetch(`${plain}?token=${altered}`);
    expect([refused.status, await refused.json()]).toEqual([
      404,
      { status: "ERR", message: "There is no such reading." },
    ]);
    expect(
      (await fetch(`${system.url}/json/v1/default/data/reading/${reading}?token=${made.json.token}`)).status,
    ).toBe(404);
  });

  it("has a URL that was good once, and for nobody who alters it", async () => {
    expect((await put(url, RECORD)).status).toBe(409);
    const fresh = await offered();
    const token = fresh.url.split("/").at(-1) ?? "";
    for (const at of [0, 20, token.length - 1]) {
      const other = token[at] === "A" ? "B" : "A";
      const altered = token.slice(0, at) + other + token.slice(at + 1);
      expect((await put(fresh.url.replace(token, altered), RECORD)).status).toBe(404);
    }
    // A download's token opens no upload.
    const { json } = await api("POST", `/readings/${reading}/tokens`, {});
    expect((await put(fresh.url.replace(token, json.token), RECORD)).status).toBe(404);
    expect((await put(fresh.url, RECORD)).status).toBe(201);
  });

  it("is removed with its bytes", async () => {
    expect((await api("DELETE", `/readings/${reading}`)).status).toBe(204);
    expect((await api("GET", `/readings/${reading}/data`)).status).toBe(404);
    expect((await api("GET", `/readings/${reading}`)).json.state).toBe("removed");
    const { json } = await api("GET", "/readings");
    expect(json.readings.map(({ number }: { number: number }) => number)).not.toContain(reading);
  });
});

describe("an offer", () => {
  it("that nobody asked for gets no URL; sent again it gets the same", async () => {
    expect((await offer({})).json).toEqual({ answers: [null] });
    const asked = await api("POST", "/requests", { device, current: true });
    const current = { current: true, start: undefined, end: undefined };
    const first = await offer(current, "heartbeat 7");
    expect(first.json.answers[0].url).toContain("/uploads/");
    expect((await offer(current, "heartbeat 7")).json.answers[0].url).toBe(first.json.answers[0].url);
    expect((await api("DELETE", `/requests/${asked.json.id}`)).status).toBe(204);
    await until("nobody asks any more", async () => (await offer(current)).json.answers[0] === null);
    expect((await api("GET", `/requests/${asked.json.id}`)).json.state).toBe("withdrawn");
  });
});

describe("an upload that is cut off", () => {
  it("half way has failed, and its data can be offered again", async () => {
    const { url, request } = await offered({ format: "application/octet-stream" });
    const { hostname, port, pathname } = new URL(url);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.on("close", () => resolve()).on("error", () => undefined);
      socket.write(`POST ${pathname} HTTP/1.1\r\nhost: x\r\ncontent-length: ${MIB}\r\n\r\n`);
      socket.write(randomBytes(MIB / 2), () => setTimeout(() => socket.resetAndDestroy(), 300));
    });
    await until("its URL is used up", async () => (await put(url, RECORD)).status === 409);
    const again = (await offer({ request: request.number })).json.answers[0];
    expect(again.url).not.toBe(url);
    expect((await put(again.url, RECORD)).status).toBe(201);
  });

  it("goes on where it was if it is resumable, also after the edge and offers were killed", async () => {
    const content = randomBytes(20 * MIB + 11);
    const { url, reading } = await offered({ format: "application/octet-stream", bytes: content.length });
    const kills = [
      { at: 5 * MIB, name: "edge-http" },
      { at: 11 * MIB, name: "offers" },
      { at: 16 * MIB, name: "edge-http" },
    ];
    let restarts = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      const upload = new Upload(content, {
        ...{ uploadUrl: url, uploadLengthDeferred: true, chunkSize: MIB },
        retryDelays: Array(60).fill(500),
        onError: reject,
        onSuccess: () => resolve(),
        onChunkComplete: (_size, accepted) => {
          const next = kills[0];
          if (next === undefined || accepted < next.at) return;
          kills.shift();
          const process = system.processes[next.name];
          restarts = restarts.then(async () => {
            await process?.kill();
            await process?.start();
          });
        },
      });
      upload.start();
    });
    await restarts;
    expect(kills).toEqual([]);
    const data = await until("it can be downloaded", async () => {
      const answer = await api("GET", `/readings/${reading}/data`);
      return answer.status === 200 && answer.bytes;
    });
    expect(sha256(data)).toBe(sha256(content));
    const middle = await api("GET", `/readings/${reading}/data`, undefined, {
      range: `bytes=${9 * MIB - 3}-${9 * MIB + 2}`,
    });
    expect(middle.bytes.equals(content.subarray(9 * MIB - 3, 9 * MIB + 3))).toBe(true);
    expect((await api("GET", `/readings/${reading}?format=svg`)).status).toBe(406);
    expect((await api("GET", `/readings/${reading}`)).json.waveform).toBeNull();
  });

  it("is refused when it is larger than it may be, and what it was for can be sent again", async () => {
    const { url, maxBytes } = await offered({ format: "application/octet-stream" });
    const { hostname, port, pathname } = new URL(url);
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(Number(port), hostname);
      socket.on("data", (chunk) => {
        text += chunk.toString("latin1");
      });
      socket.on("close", () => resolve(text)).on("error", () => undefined);
      const head = `PUT ${pathname} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${maxBytes + 1}\r\n\r\n`;
      socket.write(head);
    });
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect((await put(url, RECORD)).status).toBe(201);
  });
});

describe("the log of the edge", () => {
  it("tells no upload URL", () => {
    for (const process of Object.values(system.processes)) expect(process.log()).not.toContain("/uploads/");
  });
});
