import { request } from "node:http";
import type { AddressInfo } from "node:net";
import { limits } from "@fieldlog/contracts";
import { createLogger, createMetrics } from "@fieldlog/runtime";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RequestCounts } from "../http/request-counts.js";
import { createFastify } from "../http/server.js";
import { type OperationName, operations } from "./operations.js";
import type { CredRequest, Handle, Handles } from "./request.js";
import { credRoutes } from "./routes.js";

let app: FastifyInstance;
/** What the next operation does. */
let handle: Handle;

async function start(publicUrl?: string) {
  app = createFastify();
  const names = Object.keys(operations) as OperationName[];
  const handles = Object.fromEntries(
    names.map((name) => [name, (asked: CredRequest) => handle(asked)]),
  ) as Handles;
  await app.register(credRoutes, {
    ...{ handles, publicUrl, counts: new RequestCounts(createMetrics()), traced: false },
    ...{ logger: createLogger("test", "silent"), stopping: () => false },
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
}

beforeEach(() => {
  handle = async () => ({ json: { a: 1 } });
});
afterEach(() => app.close());

interface Told {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

function ask(method: string, path: string, body = "", headers: Record<string, string> = {}): Promise<Told> {
  const { port } = app.server.address() as AddressInfo;
  const length = body === "" ? {} : { "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path, headers: { ...length, ...headers } };
    const asked = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

describe("cred's routes", () => {
  it("answer each operation with its status and message, in the envelope's order", async () => {
    await start();
    for (const { method, path, status, message } of Object.values(operations)) {
      const answer = await ask(method, path.replace(":id", "7"));
      expect([path, answer.status, answer.text]).toEqual([
        path,
        status,
        JSON.stringify({ status, message, a: 1 }),
      ]);
      expect(answer.headers["content-type"]).toBe("application/json");
    }
  });

  it("say where they are as the sender has it, unless that cannot be a host, or there is a public address", async () => {
    handle = async ({ base }) => ({ json: { base } });
    const base = async (host: string) => JSON.parse((await ask("GET", "/events", "", { host })).text).base;
    await start();
    expect(await base("log.example:8080")).toBe("http://log.example:8080");
    expect(await base("[::1]:80")).toBe("http://[::1]:80");
    expect(await base("a/b")).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await app.close();
    await start("https://log.example.org/cred");
    expect(await base("log.example:8080")).toBe("https://log.example.org/cred");
  });

  it("do not tell what was not foreseen, and take no more than they can hold", async () => {
    await start();
    handle = async () => {
      throw new TypeError("a secret of the server");
    };
    const failed = await ask("GET", "/events");
    expect([failed.status, failed.text]).toEqual([500, '{"status":500,"message":"Internal Server Error"}']);
    const large = await ask("POST", "/events", "x".repeat(limits.bodyBytes + 1));
    expect(JSON.parse(large.text)).toEqual({ status: 413, message: "Request Entity Too Large" });
  });

  it("answer whatever comes in cred's words, to any page, and never break", async () => {
    await start();
    const origin = "https://page.example";
    const segment = fc.oneof(
      fc.constantFrom("", "me", "1", "-1", "9".repeat(200), "*", "..", "%00", "%zz", "events"),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
    );
    const path = fc
      .tuple(fc.constantFrom("/auth", "/events", "/clients", "/apikeys"), fc.array(segment, { maxLength: 3 }))
      .map(([root, rest]) => [root, ...rest].join("/"));
    const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD");
    const type = fc.constantFrom("application/json", "application/x-www-form-urlencoded", "text/plain", "");
    const body = fc.oneof(fc.string(), fc.json(), fc.constant("{}"));
    await fc.assert(
      fc.asyncProperty(method, path, type, body, async (method, url, type, payload) => {
        const { status, headers, text } = await ask(method, url, payload, { origin, "content-type": type });
        expect(status).toBeOneOf([200, 201, 400, 404, 405]);
        expect(headers["access-control-allow-origin"]).toBe(origin);
        expect(headers["access-control-allow-credentials"]).toBe("true");
        if (method !== "HEAD" && method !== "OPTIONS") expect(JSON.parse(text)).toMatchObject({ status });
      }),
      { numRuns: 500 },
    );
  });
});
