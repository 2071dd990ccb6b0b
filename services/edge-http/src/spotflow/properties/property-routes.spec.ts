import { OwnWrites } from "@fieldlog/admission";
import { RpcError } from "@fieldlog/rpc";
import { createLogger, createMetrics } from "@fieldlog/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RequestCounts } from "../../http/request-counts.js";
import { createFastify } from "../../http/server.js";
import { prepare } from "../serve.js";
import { type PropertyRoutesParts, propertyRoutes } from "./property-routes.js";

const app = createFastify();
const calls: [name: string, asked: Record<string, unknown>][] = [];
let refused: RpcError | undefined;

function call(name: string) {
  return async (asked: Record<string, unknown>) => {
    calls.push([name, asked]);
    if (refused) throw refused;
    const now = { json: '{"rate":10}', version: 3n };
    return name === "getProperties"
      ? { desired: now, reported: { json: "{}", version: 1n } }
      : { now, sequence: 7n };
  };
}

beforeAll(async () => {
  const names = ["getProperties", "changeDesired", "changeTags"];
  const parts = {
    access: { namespace: async () => ({ key: { id: "k" }, namespace: { id: "n-1" } }) },
    properties: Object.fromEntries(names.map((name) => [name, call(name)])),
    ownWrites: new OwnWrites(),
  } as unknown as PropertyRoutesParts;
  const options = {
    ...{ counts: new RequestCounts(createMetrics()), logger: createLogger("test", "silent") },
    stopping: () => false,
  };
  prepare(app, options);
  propertyRoutes(app, parts, options);
  await app.ready();
});
afterAll(() => app.close());

async function ask(method: "GET" | "PUT" | "PATCH", path: string, payload?: string) {
  calls.length = 0;
  const url = `/workspaces/w/devices/d.1${path}`;
  const answer = await app.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.statusCode, json: answer.json() };
}

describe("an operator of the dialect", () => {
  it("reads properties with their version among them", async () => {
    expect(await ask("GET", "/desired-properties")).toEqual({ status: 200, json: { rate: 10, $version: 3 } });
    expect(calls).toEqual([["getProperties", { namespace: "n-1", device: "d.1" }]]);
    expect((await ask("GET", "/reported-properties")).json).toEqual({ $version: 1 });
  });

  it("is refused what is nested more deeply than can be written again", async () => {
    const body = `{"a":${"[".repeat(9_000)}${"]".repeat(9_000)}}`;
    expect((await ask("PATCH", "/desired-properties", body)).status).toBe(400);
    expect(calls).toEqual([]);
  });

  it("replaces and patches the desired ones, with or without what was told with them", async () => {
    const body = '{"rate":10,"gone":null,"$version":2,"$metadata":{}}';
    const asked = {
      namespace: "n-1",
      device: "d.1",
      decidedBy: "key:k",
      patchJson: '{"rate":10,"gone":null}',
    };
    expect((await ask("PUT", "/desired-properties", body)).json).toEqual({ rate: 10, $version: 3 });
    expect(calls).toEqual([["changeDesired", { ...asked, replaces: true }]]);
    await ask("PATCH", "/desired-properties", body);
    expect(calls).toEqual([["changeDesired", { ...asked, replaces: false }]]);
  });

  it("patches tags", async () => {
    await ask("PATCH", "/tags", '{"tags":{"site":"roof"}}');
    expect(calls).toMatchObject([["changeTags", { patchJson: '{"site":"roof"}' }]]);
  });

  it("is told what is wrong", async () => {
    for (const body of ["[1]", "{", '{"site":"roof"}'])
      expect((await ask("PATCH", "/tags", body)).status).toBe(400);
    refused = new RpcError("not_found", "no such device");
    expect((await ask("GET", "/desired-properties")).status).toBe(404);
    refused = new RpcError("invalid_argument", "patch_json has a key", { field: "patch_json" });
    expect((await ask("PUT", "/desired-properties", '{"a.b":1}')).status).toBe(400);
  });
});
