import { geocellOf } from "@fieldlog/geocells";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Json = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly json: Json;
}

let servers: TestServers;
let system: System;
let edges: readonly [string, string];

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("signatures");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, apart: { "edge-http": 2 } });
  edges = [system.url, system.processes["edge-http-2"]?.url ?? ""];
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

const PATH = "/v1/namespaces/test";

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, json: text === "" ? {} : (JSON.parse(text) as Json) };
}

async function call(method: string, path: string, body?: Json, edge = system.url): Promise<Answer> {
  const response = await fetch(`${edge}${PATH}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answerOf(response);
}

const list = async (path: string) => (await call("GET", path)).json;
const events = async (query: string) => (await list(`/events?${query}`))["events"] as Json[];

async function createDevice(name: string): Promise<string> {
  const { status, json } = await call("POST", "/devices", { name });
  expect(status).toBe(201);
  return String(json["id"]);
}
async function issue(device: string, edge = system.url) {
  const { status, json } = await call("POST", `/devices/${device}/signing-secret`, undefined, edge);
  expect(status).toBe(201);
  return json as { secret: string; previousUntil?: string };
}

interface Signed {
  readonly id: string;
  readonly at?: number;
  readonly edge?: string;
  readonly path?: string;
  /** What is sent instead of what was signed. */
  readonly altered?: string;
  readonly type?: string;
}

async function send(device: string, secret: string, body: unknown, signed: Signed): Promise<Answer> {
  const { id, at = Date.now(), edge = system.url, path = "/events", altered } = signed;
  const text = JSON.stringify(body);
  const time = new Date(at);
  const response = await fetch(`${edge}${PATH}${path}`, {
    method: "POST",
    headers: {
      "content-type": signed.type ?? "application/json",
      "fieldlog-device": device,
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at / 1000)),
      "webhook-signature": new Webhook(secret).sign(id, time, text),
    },
    body: altered ?? text,
  });
  return answerOf(response);
}

/** Until the second edge has heard of so many signed requests more. */
async function heard(atLeast: number): Promise<number> {
  return until("signed requests", async () => {
    const metrics = await (await fetch(`${system.processes["edge-http-2"]?.opsUrl}/metrics`)).text();
    const count = Number(
      /fieldlog_edge_cached_entries\{[^}]*cache="signed"\} (\d+)/.exec(metrics)?.[1] ?? -1,
    );
    return count >= atLeast ? count + 1 : undefined;
  });
}

describe("a device that signs", () => {
  let device = "";
  let secret = "";
  beforeAll(async () => {
    device = await createDevice("signer");
    ({ secret } = await issue(device, edges[1]));
  });

  it("publishes its events; sent again they get the same answer, and are there once", async () => {
    const body = { name: "signed", value: "grüße" };
    const first = await send(device, secret, body, { id: "m-1" });
    expect(first).toEqual({ status: 201, json: { position: expect.any(Number), id: "m-1" } });
    expect(await send(device, secret, body, { id: "m-1" })).toEqual(first);
    await heard(1);
    expect(await send(device, secret, body, { id: "m-1", edge: edges[1] })).toEqual(first);
    expect(await events("type=signed")).toMatchObject([
      { device, id: "m-1", value: "grüße", position: first.json["position"] },
    ]);
  });

  it("cannot send another body under the same id, on whichever edge", async () => {
    const before = await heard(0);
    expect((await send(device, secret, { name: "one" }, { id: "m-2" })).status).toBe(201);
    await heard(before);
    for (const edge of edges) {
      expect((await send(device, secret, { name: "other" }, { id: "m-2", edge })).status).toBe(409);
    }
    expect(await events("type=other")).toEqual([]);
  });

  it("that reaches two edges at once is heard by both, and is there once", async () => {
    const ids = Array.from({ length: 20 }, (_, i) => `twice-${i}`);
    const answers = await Promise.all(
      ids.flatMap((id) => edges.map((edge) => send(device, secret, { name: "twice" }, { id, edge }))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const found = await events("type=twice");
    expect(found.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  it("publishes several at once, each under its own id or the message's", async () => {
    const body = [{ name: "batch", id: "own" }, { name: "batch" }, { nothing: 1 }];
    const first = await send(device, secret, body, { id: "m-3" });
    expect(first).toMatchObject({
      status: 200,
      json: { results: [{ status: 201, id: "own" }, { status: 201, id: "m-3/1" }, { status: 400 }] },
    });
    expect(await send(device, secret, body, { id: "m-3" })).toEqual(first);
    expect((await events("type=batch")).map(({ id }) => id)).toEqual(["own", "m-3/1"]);
    expect((await send(device, secret, [{ name: "batch" }], { id: "m-3" })).status).toBe(409);
  });

  it("keeps the id of a CloudEvent", async () => {
    const cloud = { specversion: "1.0", id: "e-1", source: "urn:x", type: "cloud" };
    const type = "application/cloudevents+json";
    expect((await send(device, secret, cloud, { id: "m-4", type })).json["id"]).toBe("e-1");
    expect(await events("type=cloud")).toMatchObject([{ device, id: "e-1", source: "urn:x" }]);
    const other = { ...cloud, id: "e-2" };
    expect((await send(device, secret, other, { id: "m-4", type })).status).toBe(409);
  });

  it("is refused where the signature is not of that body, time, device or secret", async () => {
    const body = { name: "refused" };
    const stranger = await createDevice("stranger");
    const others = (await issue(stranger)).secret;
    const minutes = (count: number) => Date.now() + count * 60_000;
    const refused = [
      await send(device, secret, body, { id: "r-1", altered: '{"name":"refused","value":2}' }),
      await send(device, secret, body, { id: "r-2", at: minutes(-16) }),
      await send(device, secret, body, { id: "r-3", at: minutes(16) }),
      await send(device, others, body, { id: "r-4" }),
      await send(stranger, secret, body, { id: "r-5" }),
      await send("nobody", secret, body, { id: "r-6" }),
      await send(device, secret, body, { id: "a.b" }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
    expect(refused[1]?.json["detail"]).toContain(new Date().toISOString().slice(0, 13));
    expect(refused[3]?.json).toEqual(refused[5]?.json);
    expect((await send(device, secret, { name: "refused", device: stranger }, { id: "r-7" })).status).toBe(
      400,
    );
    for (const skewed of [-14, 14]) {
      const at = minutes(skewed);
      expect((await send(device, secret, { name: "skewed" }, { id: `s${skewed}`, at })).status).toBe(201);
    }
    expect(await events("type=refused")).toEqual([]);
  });

  it("offers its own data, and no other device's", async () => {
    const body = { offers: [{ sensor: "0", current: true, format: "csnv2" }] };
    const path = `/devices/${device}/offers`;
    const first = await send(device, secret, body, { id: "o-1", path });
    expect(first).toEqual({ status: 200, json: { answers: [null] } });
    expect(await send(device, secret, body, { id: "o-1", path })).toEqual(first);
    expect((await send(device, secret, { offers: [] }, { id: "o-1", path })).status).toBe(400);
    const elsewhere = { id: "o-2", path: "/devices/nobody/offers" };
    expect((await send(device, secret, body, elsewhere)).status).toBe(403);
    expect((await send(device, secret, { name: "o" }, { id: "o-1" })).status).toBe(409);
  });

  it("tells that it is alive, once", async () => {
    const path = `/devices/${device}/heartbeat`;
    const first = await send(device, secret, { status: "update" }, { id: "h-1", path });
    expect(first).toMatchObject({ status: 201, json: { position: expect.any(Number) } });
    expect(await send(device, secret, { status: "update" }, { id: "h-1", path })).toEqual(first);
    expect((await send(device, secret, { status: "quit" }, { id: "h-1", path })).status).toBe(409);
    expect(await list(`/devices/${device}`)).toMatchObject({ status: "update" });
  });

  it("changes its secret while the one before stays good, but no older one; revoked, none is", async () => {
    const [first, second] = [secret, await issue(device)];
    expect(Date.parse(second.previousUntil ?? "") - Date.now()).toBeGreaterThan(23 * 3_600_000);
    let sent = 0;
    const statuses = (secrets: readonly string[], edge: string) =>
      Promise.all(
        secrets.map(async (one) => {
          return (await send(device, one, { name: "rotated" }, { id: `t-${sent++}`, edge })).status;
        }),
      );
    const all = [first, second.secret];
    for (const edge of edges) {
      await until("the second", async () => (await statuses([second.secret], edge))[0] === 201);
      expect(await statuses(all, edge)).toEqual([201, 201]);
    }
    const third = await issue(device, edges[1]);
    for (const edge of edges) {
      await until("the third", async () => (await statuses([third.secret], edge))[0] === 201);
      expect(await statuses([...all, third.secret], edge)).toEqual([401, 201, 201]);
    }
    expect((await call("DELETE", `/devices/${device}`)).status).toBe(204);
    for (const edge of edges) {
      await until("revoked", async () => (await statuses([third.secret], edge))[0] === 401);
    }
  });

  it("gets a secret only if it exists, and from who may write", async () => {
    expect((await call("POST", "/devices/nobody/signing-secret")).status).toBe(404);
    const { json } = await call("POST", "/api-keys", { kind: "native", permission: "read" });
    const other = await createDevice("guarded");
    const response = await fetch(`${system.url}${PATH}/devices/${other}/signing-secret`, {
      method: "POST",
      headers: { authorization: `Bearer ${json["key"]}` },
    });
    expect(response.status).toBe(403);
  });
});

describe("rates", () => {
  it("are told by sensor and by geocell, with who caused them", async () => {
    const device = await createDevice("shaken");
    const pick = (sensor: string, latitude: number) => ({
      ...{ name: "pick", device, location: { latitude, longitude: 1 } },
      readings: [{ sensor, sensorType: "accelerometer-3-axis", values: [0.1, 0.2, 0.3] }],
    });
    for (const [sensor, latitude] of [
      ["0", 1],
      ["0", -1],
      ["1", 1],
    ] as const) {
      expect((await call("POST", "/events", pick(sensor, latitude))).status).toBe(201);
    }
    const asked = `type=pick&device=${device}`;
    const devices = { mobileDevices: 0, staticDevices: 1 };
    expect((await list(`/rates?${asked}`))["rates"]).toEqual([{ events: 3, perMinute: 0.3, ...devices }]);
    expect((await list(`/rates?${asked}&by=sensor&window=60`))["rates"]).toEqual([
      { device, sensor: "0", events: 2, perMinute: 2, ...devices },
      { device, sensor: "1", events: 1, perMinute: 1, ...devices },
    ]);
    expect((await list(`/rates?${asked}&by=geocell&resolution=2`))["rates"]).toEqual([
      {
        ...{ geocell: "10", bounds: { west: 0, east: 180, south: -90, north: 0 } },
        ...{ events: 1, perMinute: 0.1, ...devices },
      },
      {
        ...{ geocell: "11", bounds: { west: 0, east: 180, south: 0, north: 90 } },
        ...{ events: 2, perMinute: 0.2, ...devices },
      },
    ]);
    const within = geocellOf(-1, 1, 20);
    const page = await list(`/rates?${asked}&by=sensor&within=${within}&limit=1`);
    expect(page).toMatchObject({ rates: [{ sensor: "0", events: 1 }], next: null });
    const to = new Date(Date.now() - 3_600_000).toISOString();
    expect((await list(`/rates?${asked}&to=${to}`))["rates"]).toMatchObject([{ events: 0 }]);
    for (const wrong of ["by=colour", "by=geocell&resolution=49", "within=012", "window=0"]) {
      expect((await call("GET", `/rates?${wrong}`)).status).toBe(400);
    }
  });

  it("are of picks that contribute, once their device is active", async () => {
    const device = await createDevice("awake");
    const counted = async () => {
      const { rates } = await list(`/rates?type=pick&device=${device}&contributing=true`);
      return (rates as Json[])[0]?.["events"] as number;
    };
    await call("POST", "/events", { name: "pick", device });
    expect(await events(`type=pick&device=${device}`)).toMatchObject([{ contributing: false }]);
    await until("active", async () => (await events(`type=DeviceBecameActive&device=${device}`)).length > 0);
    await call("POST", "/events", { name: "pick", device });
    expect((await events(`type=pick&device=${device}`)).map(({ contributing }) => contributing)).toEqual([
      ...[false, true],
    ]);
    expect(await counted()).toBe(1);
  });
});

describe("devices", () => {
  it("are found by their name", async () => {
    const device = await createDevice("found-by-name");
    const found = await list("/devices?name=found-by-name");
    expect(found).toMatchObject({ devices: [{ id: device }], next: null });
    expect(await list("/devices?uuid=none&legacyId=none")).toEqual({ devices: [], next: null });
  });
});
