import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { OwnWrites } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { contentOf, encrypted, NatsObjects } from "@fieldlog/objects";
import { createLogger, createMetrics } from "@fieldlog/runtime";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fieldsOf, statusOf } from "../csn/hand.fixture.js";
import { RequestCounts } from "../http/request-counts.js";
import { createFastify } from "../http/server.js";
import { OffersInMemory } from "./offers.fixture.js";
import { ProgressRecords } from "./progress.js";
import { Resumable } from "./resumable.js";
import { Uploads } from "./uploads.js";
import { uploadsRoutes } from "./uploads-routes.js";

const PART = 64 * 1024;
/** Within which any other request must have arrived; that is looked at every second. */
const REQUEST_MS = 2_000;
const IDLE_MS = 2_500;
const TUS = { "tus-resumable": "1.0.0" };
const OCTETS = { ...TUS, "content-type": "application/offset+octet-stream" };
const offers = new OffersInMemory();
const underWay = { count: 0 };
let servers: TestServers;
let log: EventLog;
let objects: NatsObjects;
let door: FastifyInstance;
let url = "";
let port = 0;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "uploads test" });
  objects = new NatsObjects(log.connection, { replicas: 1, maxBytes: -1 });
  const records = await ProgressRecords.open(log.connection, 1);
  const uploads = new Uploads({ offers, objects, ownWrites: new OwnWrites(), partBytes: PART });
  const resumable = new Resumable({ uploads, records, objects });
  door = createFastify(REQUEST_MS);
  const counts = new RequestCounts(createMetrics());
  const logger = createLogger("test", "silent");
  const options = {
    uploads,
    resumable,
    counts,
    logger,
    stopping: () => false,
    now: Date.now,
    idleMs: IDLE_MS,
    underWay,
  };
  await door.register(uploadsRoutes, options);
  url = await door.listen({ host: "127.0.0.1", port: 0 });
  port = Number(new URL(url).port);
});
afterAll(async () => {
  expect(underWay.count).toBe(0);
  await door?.close();
  await log?.close();
  await servers?.stop();
});

type Body = NonNullable<RequestInit["body"]>;
const at = (token: string) => `${url}/uploads/${token}`;
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

async function send(
  token: string,
  method: string,
  body: Body | undefined,
  headers: Record<string, string> = {},
) {
  const response = await fetch(at(token), { method, headers, ...(body === undefined ? {} : { body }) });
  return {
    status: response.status,
    headers: response.headers,
    body: Buffer.from(await response.arrayBuffer()),
  };
}

function form(content: Uint8Array, name = "payload"): FormData {
  const data = new FormData();
  data.append("note", "nobody reads this");
  data.append(name, new Blob([content as Uint8Array<ArrayBuffer>]), "data");
  return data;
}

/** What the objects of a stored upload hold. */
async function kept(token: string): Promise<Buffer> {
  const { stored } = offers.upload(token);
  const parts = (stored?.objects ?? []).map((object, index) => ({
    object,
    bytes: Number(stored?.objectBytes?.[index]),
  }));
  const chunks: Uint8Array[] = [];
  const store = encrypted(objects, offers.dataKey);
  for await (const chunk of contentOf(store, parts, { from: 0, to: Number(stored?.bytes) }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Sends the head and some of the body over a socket of its own, and leaves. */
async function breakOff(head: string, body: Uint8Array): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(`${head}\r\nhost: x\r\n\r\n`);
  await new Promise((resolve) => socket.write(body, resolve));
  // Until the door has read what the kernel holds of it.
  await delay(100);
  socket.resetAndDestroy();
}

describe("an upload in one go", () => {
  const content = randomBytes(3 * PART + 17);

  it("is stored in parts, encrypted, and answered in JSON with its number, size and hash", async () => {
    const token = offers.add({ format: "audio/wav", maxBytes: content.length });
    const answer = await send(token, "PUT", content, { "content-type": "audio/wav" });
    expect(answer.status).toBe(201);
    const { number } = offers.upload(token);
    expect(JSON.parse(answer.body.toString())).toEqual({
      id: number,
      bytes: content.length,
      sha256: sha256(content),
    });
    expect(answer.headers.get("fieldlog-position")).toMatch(/^\d+$/);
    expect(offers.upload(token).stored).toMatchObject({ mediaType: "audio/wav", store: "nats" });
    expect(offers.upload(token).stored?.objects).toHaveLength(4);
    expect((await kept(token)).equals(content)).toBe(true);
    const raw: Uint8Array[] = [];
    for await (const chunk of objects.get(offers.upload(token).stored?.objects?.[0] ?? "")) raw.push(chunk);
    expect(Buffer.concat(raw).includes(content.subarray(0, 64))).toBe(false);
  });

  it("is answered in CSN's protobuf for CSN's formats, byte by byte", async () => {
    const token = offers.add({ number: 300 });
    const answer = await send(token, "POST", form(content));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-protobuf"]);
    expect(answer.body.toString("hex")).toBe("0a020800" + "10ac02");
    expect((await kept(token)).equals(content)).toBe(true);
    const json = await send(offers.add({}), "POST", form(content), { accept: "application/json" });
    expect(json.status).toBe(201);
    expect(fieldsOf(answer.body).map(({ field }) => field)).toEqual([1, 2]);
  });

  it("takes the first file, whatever its name, as the multipart library of the reference sends it", async () => {
    const boundary = "-----------------------------7d93b3a7e9";
    const body = Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="payload"; filename="data"\r\n`),
      Buffer.from("Content-Type: application/octet-stream\r\n\r\n"),
      content,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const type = `multipart/form-data; boundary=${boundary}`;
    const token = offers.add({});
    expect((await send(token, "POST", body, { "content-type": type })).status).toBe(200);
    expect((await kept(token)).equals(content)).toBe(true);
    const other = offers.add({});
    expect((await send(other, "POST", form(content, "anything"))).status).toBe(200);
    expect((await kept(other)).equals(content)).toBe(true);
  });

  it("happens once: of many that send at once one is taken, and later ones are told so", async () => {
    const token = offers.add({ format: "x/y" });
    const answers = await Promise.all(Array.from({ length: 8 }, () => send(token, "POST", content)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(7).fill(409)]);
    expect((await send(token, "POST", content)).status).toBe(409);
    expect((await kept(token)).equals(content)).toBe(true);
  });

  it("is refused in the form that its device reads: unknown, late, used, too large, empty, malformed", async () => {
    const csn = async (token: string, body: Body, headers?: Record<string, string>) => {
      const { status, body: answer } = await send(token, "POST", body, headers);
      return [status, statusOf(answer).type];
    };
    expect(await csn("nothing", form(content))).toEqual([404, 10]);
    expect(await csn(offers.add({ phase: "expired" }), form(content))).toEqual([410, 2]);
    expect(await csn(offers.add({ phase: "stored" }), form(content))).toEqual([409, 2]);
    expect(await csn(offers.add({ maxBytes: content.length - 1 }), form(content))).toEqual([413, 2]);
    expect(await csn(offers.add({}), form(new Uint8Array()))).toEqual([400, 2]);
    const noFile = new FormData();
    noFile.append("note", "no file");
    expect(await csn(offers.add({}), noFile)).toEqual([400, 2]);
    const type = { "content-type": "multipart/form-data; boundary=x" };
    expect(await csn(offers.add({}), "no multipart at all", type)).toEqual([400, 2]);
    expect(await csn(offers.add({}), "--x\r\n\r\n", { "content-type": "multipart/form-data; x" })).toEqual([
      400, 2,
    ]);
    const problem = await send("nothing", "PUT", content);
    expect([problem.status, problem.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
  });

  it("that is announced as too large uses nothing up; one that turns out so has failed", async () => {
    const token = offers.add({ format: "x/y", maxBytes: PART });
    expect((await send(token, "POST", content)).status).toBe(413);
    expect(offers.upload(token).phase).toBe("offered");
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(content);
        controller.close();
      },
    });
    const init = { method: "POST", body: chunked, duplex: "half" } as RequestInit;
    expect((await fetch(at(token), init)).status).toBe(413);
    await until("it has failed", () => offers.upload(token).phase === "failed");
    expect((await send(token, "POST", content.subarray(0, 10))).status).toBe(409);
  });

  it("that is cut off half way has failed, and leaves the door as it was", async () => {
    const token = offers.add({});
    await breakOff(
      `POST /uploads/${token} HTTP/1.1\r\ncontent-length: ${content.length}`,
      content.subarray(0, PART + 5),
    );
    await until("it has failed", () => offers.upload(token).phase === "failed");
    expect(offers.upload(token).reason).toBe("the sender broke off");
    expect((await send(token, "POST", content)).status).toBe(409);
    const inForm = offers.add({});
    const head = `POST /uploads/${inForm} HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: ${content.length}`;
    const begin = Buffer.from(
      '--x\r\ncontent-disposition: form-data; name="payload"; filename="data"\r\n\r\n',
    );
    await breakOff(head, Buffer.concat([begin, content.subarray(0, PART)]));
    await until("that has failed, too", () => offers.upload(inForm).phase === "failed");
    expect((await send(offers.add({}), "POST", form(content))).status).toBe(200);
  });

  it("may take longer than any other request, as long as something comes; else it is given up", async () => {
    const drip = (token: string, times: number) =>
      new Promise<string>((resolve) => {
        let answer = "";
        const socket = connect(port, "127.0.0.1");
        socket.on("data", (chunk) => {
          answer += chunk.toString("latin1");
        });
        socket.on("close", () => resolve(answer)).on("error", () => undefined);
        socket.write(
          `PUT /uploads/${token} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 12\r\n\r\n`,
        );
        let sent = 0;
        const timer = setInterval(() => (sent++ < times ? socket.write("x") : clearInterval(timer)), 300);
      });
    const [steady, silent] = [offers.add({ format: "x/y" }), offers.add({ format: "x/y" })];
    const [taken, late] = await Promise.all([drip(steady, 12), drip(silent, 3)]);
    expect(taken).toMatch(/^HTTP\/1.1 201 /);
    expect(late).toMatch(/^HTTP\/1.1 408 /);
    expect([offers.upload(steady).phase, offers.upload(silent).phase]).toEqual(["stored", "failed"]);
  });

  it("waits its turn when there are too many", async () => {
    const token = offers.add({ format: "x/y" });
    underWay.count += limits.uploads;
    const refused = await send(token, "PUT", content);
    underWay.count -= limits.uploads;
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    expect((await send(token, "PUT", content)).status).toBe(201);
  });

  it("is not lost when the service that decides is away at its end", async () => {
    const token = offers.add({ format: "x/y" });
    offers.failures = 2;
    expect((await send(token, "POST", content)).status).toBe(201);
    expect(offers.upload(token).phase).toBe("stored");
  });
});

describe("a resumable upload", () => {
  const content = randomBytes(2 * PART + 1_000);
  const patch = (token: string, offset: number, body: Uint8Array, more: Record<string, string> = {}) =>
    send(token, "PATCH", body as Uint8Array<ArrayBuffer>, {
      ...OCTETS,
      "upload-offset": String(offset),
      ...more,
    });
  const length = { "upload-length": String(content.length) };
  const offsetAt = async (token: string) => {
    const { status, headers } = await send(token, "HEAD", undefined, TUS);
    return [status, Number(headers.get("upload-offset"))];
  };

  it("tells what it speaks, and how far it is", async () => {
    const token = offers.add({ format: "x/y" });
    const options = await send(token, "OPTIONS", undefined);
    expect([options.status, options.headers.get("tus-version")]).toEqual([204, "1.0.0"]);
    const head = await send(token, "HEAD", undefined, TUS);
    expect(head.status).toBe(200);
    for (const [name, value] of [
      ["upload-offset", "0"],
      ["upload-defer-length", "1"],
      ["tus-resumable", "1.0.0"],
      ["cache-control", "no-store"],
    ] as const) {
      expect(head.headers.get(name)).toBe(value);
    }
  });

  it("comes piece by piece, and is stored with the last", async () => {
    const token = offers.add({ format: "x/y", maxBytes: content.length });
    const first = await patch(token, 0, content.subarray(0, 1_000));
    expect([first.status, first.headers.get("upload-offset")]).toEqual([204, "1000"]);
    expect((await patch(token, 1_000, content.subarray(1_000, PART))).status).toBe(204);
    expect(await offsetAt(token)).toEqual([200, PART]);
    const last = await patch(token, PART, content.subarray(PART), length);
    expect([last.status, last.headers.get("upload-offset")]).toEqual([204, String(content.length)]);
    expect(offers.upload(token).phase).toBe("stored");
    expect(Buffer.from(offers.upload(token).stored?.sha256 ?? []).toString("hex")).toBe(sha256(content));
    expect((await kept(token)).equals(content)).toBe(true);
    // The sender may not have heard of it.
    expect(await offsetAt(token)).toEqual([200, content.length]);
    expect((await patch(token, PART, content.subarray(PART), length)).headers.get("upload-offset")).toBe(
      String(content.length),
    );
  });

  it("keeps what had come when its sender broke off, and goes on there", async () => {
    const token = offers.add({ format: "x/y" });
    const head = `PATCH /uploads/${token} HTTP/1.1\r\ntus-resumable: 1.0.0\r\ncontent-type: application/offset+octet-stream\r\nupload-offset: 0\r\nupload-length: ${content.length}\r\ncontent-length: ${content.length}`;
    await breakOff(head, content.subarray(0, PART + 500));
    const offset = await until("all that came is kept", async () => {
      const [, so] = await offsetAt(token);
      return (so ?? 0) > PART && so;
    });
    expect(offset).toBeLessThanOrEqual(PART + 500);
    expect((await patch(token, offset, content.subarray(offset))).status).toBe(204);
    expect((await kept(token)).equals(content)).toBe(true);
  });

  it("ends with the question how far it is, where its end could not be told before", async () => {
    const token = offers.add({ format: "x/y" });
    offers.failures = 100;
    expect((await patch(token, 0, content, length)).status).toBe(503);
    expect((await send(token, "HEAD", undefined, TUS)).status).toBe(503);
    offers.failures = 0;
    expect(await offsetAt(token)).toEqual([200, content.length]);
    expect((await kept(token)).equals(content)).toBe(true);
  });

  it("has one who goes on: of several at once the others are told", async () => {
    const token = offers.add({ format: "x/y" });
    const statuses = await Promise.all(
      Array.from({ length: 6 }, async () => (await patch(token, 0, content, length)).status),
    );
    expect(statuses.filter((status) => status === 204).length).toBeLessThanOrEqual(1);
    expect(statuses.filter((status) => status !== 204 && status !== 409)).toEqual([]);
    const [, offset = 0] = await offsetAt(token);
    if (offset < content.length)
      expect((await patch(token, offset, content.subarray(offset))).status).toBe(204);
    expect((await kept(token)).equals(content)).toBe(true);
  });

  it("is refused as tus has it", async () => {
    const token = offers.add({ format: "x/y", maxBytes: 2_000 });
    const some = content.subarray(0, 10);
    expect((await patch(token, 5, some)).status).toBe(409);
    expect((await patch(token, 0, some, { "upload-length": "2001" })).status).toBe(413);
    expect((await patch(token, 0, some, { "upload-offset": "-1" })).status).toBe(400);
    expect((await patch(token, 0, some, { "upload-length": "x" })).status).toBe(400);
    expect((await patch(token, 0, some, { "upload-length": "0" })).status).toBe(400);
    expect((await patch(token, 0, content.subarray(0, 2_001))).status).toBe(413);
    const wrongVersion = await patch(token, 0, some, { "tus-resumable": "0.2.0" });
    expect([wrongVersion.status, wrongVersion.headers.get("tus-version")]).toEqual([412, "1.0.0"]);
    expect((await patch(token, 0, some, { "content-type": "application/json" })).status).toBe(415);
    expect((await send(token, "PATCH", some, OCTETS)).status).toBe(400);
    expect((await patch("nothing", 0, some)).status).toBe(404);
    expect((await send("nothing", "HEAD", undefined, TUS)).status).toBe(404);
    expect((await send(offers.add({ phase: "expired" }), "HEAD", undefined, TUS)).status).toBe(410);
    expect((await patch(token, 0, content.subarray(0, 20), { "upload-length": "20" })).status).toBe(204);
    expect((await patch(offers.add({ phase: "failed" }), 0, some)).status).toBe(409);
  });
});
