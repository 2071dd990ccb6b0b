import { Agent, request } from "node:http";
import type { AddressInfo } from "node:net";
import { createLogger, createMetrics } from "@fieldlog/runtime";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RequestCounts } from "../http/request-counts.js";
import { createFastify } from "../http/server.js";
import { type OperationName, operations } from "./operations.js";
import type { Handle } from "./request.js";
import { tentaRoutes } from "./routes.js";

const ID = "81bf7042-e20f-4a97-ac44-c15853e3618f";
let app: FastifyInstance;
/** What the next operation does. */
let handle: Handle = async () => ({ json: {} });

beforeAll(async () => {
  app = createFastify();
  const names = Object.keys(operations) as OperationName[];
  const handles = Object.fromEntries(names.map((name) => [name, (request) => handle(request)])) as Record<
    OperationName,
    Handle
  >;
  const counts = new RequestCounts(createMetrics());
  const logger = createLogger("test", "silent");
  const addressOf = () => "192.0.2.1";
  await app.register(tentaRoutes, {
    handles,
    addressOf,
    counts,
    logger,
    traced: false,
    stopping: () => false,
  });
  await app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(async () => {
  agent.destroy();
  await app.close();
});

const agent = new Agent({ keepAlive: true });

function ask(method: string, path: string, body = "") {
  const { port } = app.server.address() as AddressInfo;
  const headers = body === "" ? {} : { "content-length": Buffer.byteLength(body) };
  return new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const asked = request({ host: "127.0.0.1", port, agent, method, path, headers }, (response) => {
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
    },
  );
}

describe("tenta's routes", () => {
  it("answer with each operation's status, and with where the log has what was decided", async () => {
    handle = async () => ({ json: { a: 1 }, sequence: 3n });
    for (const { method, path, status } of Object.values(operations)) {
      const url = path.replace(":user_name", "ash").replaceAll(/:\w+/g, ID);
      const answer = await ask(method, url);
      expect([url, answer.status]).toEqual([url, status]);
      expect(answer.headers["fieldlog-position"]).toBe("12288");
      expect(answer.headers["access-control-allow-origin"]).toBe("*");
    }
  });

  it("say whence it came, as the door knows it", async () => {
    const told: string[] = [];
    handle = async ({ address }) => {
      told.push(address);
      return { json: {} };
    };
    await ask("POST", "/authentication", "{}");
    expect(told).toEqual(["192.0.2.1"]);
  });

  it("do not tell what was not foreseen", async () => {
    handle = async () => {
      throw new TypeError("a secret of the server");
    };
    const answer = await ask("GET", "/networks");
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("secret");
  });

  it("answer whatever comes in tenta's words, and never break", async () => {
    handle = async () => ({});
    const paths = Object.values(operations).map(({ path }) => path);
    const segment = fc.oneof(
      fc.constantFrom(ID, ID.toUpperCase(), "", "ash", "*", "..", "%00", "%zz", "sensors", "undefined"),
      fc.string({ maxLength: 20 }).map(encodeURIComponent),
    );
    const path = fc
      .tuple(fc.constantFrom(...paths), fc.array(segment, { minLength: 3, maxLength: 3 }))
      .map(([pattern, parts]) => pattern.replaceAll(/:\w+/g, () => parts.pop() ?? ""));
    const key = fc.constantFrom("direction", "revision", "creation_timestamp", "aggregate", "limit", "");
    const value = fc.oneof(
      fc.string(),
      fc.double().map(String),
      fc.constantFrom("next", "previous", "nan", "1_0"),
    );
    const query = fc.array(fc.tuple(key, value), { maxLength: 3 }).map((pairs) => new URLSearchParams(pairs));
    const method = fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD");
    const body = fc.oneof(fc.string(), fc.json(), fc.constant("{}"));
    await fc.assert(
      fc.asyncProperty(method, path, query, body, async (method, path, query, payload) => {
        const url = `${path}?${query}`;
        const { status, text } = await ask(method, url, payload);
        expect(status).toBeOneOf([200, 201, 204, 400, 404, 405]);
        if (status >= 400 && method !== "HEAD") {
          expect(Object.keys(JSON.parse(text))).toEqual(["detail", "details", "reason"]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
