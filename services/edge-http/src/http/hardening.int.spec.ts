import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { connect, type Socket } from "node:net";
import { limits } from "@fieldlog/contracts";
import { SOON_MS, startServers, type TestServers, temporaryDir } from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { statusOf } from "../csn/hand.fixture.js";
import { type Edge, Neighbours, startEdge } from "../edge.fixture.js";

const EVENT = "/api/v1/test/event/1234567890123456";
let servers: TestServers;
let neighbours: Neighbours;
let edge: Edge;

beforeAll(async () => {
  servers = await startServers();
  neighbours = await Neighbours.start(servers.nats.url);
  edge = await startEdge(servers.nats.url, neighbours);
});
afterAll(async () => {
  await edge?.stop();
  await neighbours?.stop();
  await servers?.stop();
});

/** Everything that comes back until the server closes the connection, and after how many ms it did. */
function talk(write: (socket: Socket) => void, port = edge.port): Promise<{ answer: Buffer; ms: number }> {
  const started = Date.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => write(socket));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve({ answer: Buffer.concat(chunks), ms: Date.now() - started }));
  });
}

/** The protobuf body of an answer. */
function csnOf(answer: Buffer) {
  return statusOf(answer.subarray(answer.indexOf("\r\n\r\n") + 4));
}

describe("the door", () => {
  it("is described by its OpenAPI document, every route and none that is not there", async () => {
    type Document = { paths: Record<string, Record<string, object>> };
    const { paths } = (await (await fetch(`${edge.url}/openapi.json`)).json()) as Document;
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(new Set(described)).toEqual(edge.routes);
    expect(edge.routes.size).toBeGreaterThan(150);
  });

  it("answers 413 to a body that is announced or turns out to be too large, in the dialect", async () => {
    const body = new Uint8Array(limits.bodyBytes + 1);
    const announced = await fetch(`${edge.url}${EVENT}`, { method: "POST", body });
    expect(announced.status).toBe(413);
    expect(statusOf(new Uint8Array(await announced.arrayBuffer())).type).toBe(2);
    const { answer } = await talk((socket) => {
      socket.write(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`);
      for (let i = 0; i < 9; i++) socket.write(`10000\r\n${"x".repeat(0x10000)}\r\n`);
    });
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1.1 413 /);
    expect(csnOf(answer).type).toBe(2);
  });

  it("answers in tenta's words under its paths, whatever is missing", async () => {
    const post = (path: string, body: string) => fetch(`${edge.url}${path}`, { method: "POST", body });
    const large = await post("/users", "x".repeat(limits.bodyBytes + 1));
    expect([large.status, await large.json()]).toMatchObject([413, { detail: "Payload Too Large" }]);
    const nobody = await startEdge(servers.nats.url, { address: "127.0.0.1:1" });
    const user = JSON.stringify({ user_name: "ash", password: "12345678" });
    const away = await fetch(`${nobody.url}/users`, { method: "POST", body: user });
    expect([away.status, await away.json()]).toMatchObject([503, { details: "Service Unavailable" }]);
    expect(Number(away.headers.get("retry-after"))).toBeGreaterThan(0);
    await nobody.stop();
  });

  it("takes a body of exactly the limit", async () => {
    const body = new Uint8Array(limits.bodyBytes);
    const answer = await fetch(`${edge.url}${EVENT}`, { method: "POST", body });
    expect(answer.status).toBe(400);
  });

  it("puts an end to those who send their headers or body slowly, or nothing at all", async () => {
    const drip = (head: string, byte: string) => (socket: Socket) => {
      socket.write(head);
      const timer = setInterval(() => socket.write(byte), 500);
      socket.on("close", () => clearInterval(timer));
    };
    const [header, csnBody, tentaBody, nativeBody, silent] = await Promise.all([
      talk(drip(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\nx: `, "y")),
      talk(drip(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n`, "y")),
      talk(drip("POST /users HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n", " ")),
      talk(
        drip(
          "POST /v1/namespaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n",
          " ",
        ),
      ),
      talk(() => undefined),
    ]);
    for (const { ms } of [header, csnBody, tentaBody, nativeBody, silent]) {
      expect(ms).toBeGreaterThan(limits.requestMs - 500);
      expect(ms).toBeLessThan(limits.requestMs + SOON_MS);
    }
    for (const { answer } of [header, csnBody, tentaBody, nativeBody]) {
      expect(answer.toString("latin1")).toMatch(/^HTTP\/1.1 408 /);
    }
    expect(csnOf(csnBody.answer)).toMatchObject({ type: 9 });
    expect(tentaBody.answer.toString("latin1")).toContain('"details":"Request Timeout"');
    expect(nativeBody.answer.toString("latin1")).toContain("application/problem+json");
  });

  it("refuses what is no HTTP, and headers that are too long", async () => {
    const nonsense = await talk((socket) => socket.write("\x16\x03\x01 nonsense\r\n\r\n"));
    expect(nonsense.answer.toString("latin1")).toMatch(/^HTTP\/1.1 400 /);
    const long = await talk((socket) => {
      socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(limits.headerBytes)}\r\n\r\n`);
    });
    expect(long.answer.toString("latin1")).toMatch(/^HTTP\/1.1 431 /);
  });

  it("refuses requests that two servers could read in two ways", async () => {
    for (const head of [
      "content-length: 4\r\ncontent-length: 5\r\n",
      "content-length: 4\r\ntransfer-encoding: chunked\r\n",
      "transfer-encoding: chunked, identity\r\n",
      ...["content-length: +4\r\n", "content-length: 0x4\r\n", "content-length: 4, 4\r\n"],
      ...["x: a\rb\r\n", "x: a\0b\r\n", "x\0: b\r\n", "x : b\r\n", " x: b\r\n"],
    ]) {
      const { answer } = await talk((socket) =>
        socket.write(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\n${head}connection: close\r\n\r\nabcd`),
      );
      const text = answer.toString("latin1");
      expect([head, text.slice(0, 13), text.includes("This is not HTTP/1.1.")]).toEqual([
        ...[head, "HTTP/1.1 400 ", true],
      ]);
    }
  });

  it("goes on after senders that break off in the middle", async () => {
    for (let i = 0; i < 20; i++) {
      await talk((socket) => {
        socket.write(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf`);
        setTimeout(() => socket.resetAndDestroy(), 5);
      });
    }
    expect((await fetch(`${edge.url}/healthz`)).status).toBe(200);
  });

  it("answers pipelined requests in order", async () => {
    const one = (path: string) => `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;
    const last = "GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    const { answer } = await talk((socket) => socket.write(one(EVENT) + one("/api/x") + one(EVENT) + last));
    const statuses = [...answer.toString("latin1").matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual(["400", "404", "400", "404"]);
  });

  it("says how it is, and counts what it answered", async () => {
    expect(await (await fetch(`${edge.url}/healthz`)).json()).toEqual({ alive: true });
    const ready = await fetch(`${edge.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      200,
      {
        ready: true,
        checks: { lifecycle: "ok", log: "ok", revocations: "ok", "replay protection": "ok" },
      },
    ]);
    const metrics = await edge.metrics();
    expect(metrics).toMatch(/fieldlog_http_requests_total\{route="event",status="400"\} \d+/);
    expect(metrics).toMatch(/fieldlog_refusals_total\{service="edge-http",reason="malformed"\} [1-9]/);
    // They are for the operator.
    expect((await fetch(`${edge.url}/metrics`)).status).toBe(404);
  });

  it("speaks TLS where there is a certificate, and stops on both ports", async () => {
    const dir = await temporaryDir();
    const files = await localCertificate({ dir, hosts: ["localhost"] });
    const ca = await readFile(files.ca);
    const more = { tlsCert: files.server, tlsKey: files.server, httpsPort: 0 };
    const secure = await startEdge(servers.nats.url, neighbours, more);
    const { port } = new URL(secure.https ?? "");
    const answer = await new Promise<number | undefined>((resolve, reject) => {
      const options = { host: "localhost", port, method: "POST", path: EVENT, ca };
      httpsRequest(options, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(answer).toBe(400);
    expect((await fetch(`${secure.url}/healthz`)).status).toBe(200);
    await secure.stop();
    await rm(dir, { recursive: true });
    const broken = startEdge(servers.nats.url, neighbours, { ...more, tlsCert: "/nowhere" });
    await expect(broken).rejects.toThrow(/FIELDLOG_TLS_CERT/);
  });

  it("lets what is under way finish when it stops, and closes idle connections at once", async () => {
    const stopping = await startEdge(servers.nats.url, neighbours);
    const idle = talk((socket) => socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"), stopping.port);
    let sent: Socket | undefined;
    const underWay = talk((socket) => {
      sent = socket;
      socket.write(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab`);
    }, stopping.port);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = stopping.stop();
    await idle;
    await new Promise((resolve) => setTimeout(resolve, 200));
    sent?.write("cd");
    const { answer } = await underWay;
    expect(answer.toString("latin1")).toMatch(/^HTTP\/1.1 400 [\s\S]*connection: close/);
    await stopped;
    await expect(fetch(`${stopping.url}/healthz`)).rejects.toThrow();
  });

  it("is not held up by a connection on which nothing was ever sent", async () => {
    const stopping = await startEdge(servers.nats.url, neighbours);
    const silent = connect(stopping.port, "127.0.0.1");
    await once(silent, "connect");
    // The edge has taken this connection, too, once it has answered on a later one.
    await fetch(`${stopping.url}/healthz`);
    const begin = Date.now();
    await Promise.all([once(silent, "close"), stopping.stop()]);
    expect(Date.now() - begin).toBeLessThan(5_000);
  });

  it("stops in time though somebody never finishes", async () => {
    const stopping = await startEdge(servers.nats.url, neighbours);
    const never = talk((socket) => {
      socket.write(`POST ${EVENT} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab`);
    }, stopping.port);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = Date.now();
    await stopping.stop();
    expect(Date.now() - started).toBeLessThan(SOON_MS);
    await never;
  });
});
