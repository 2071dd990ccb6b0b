import { limits } from "@fieldlog/contracts";
import { SOON_MS, type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CredClient, credKeys, type Json, native } from "./cred.fixture.js";

// Where the original's documentation and its behaviour differ, and what its own tests do not hold.

const PING_TIMEOUT_S = 4;
let servers: TestServers;
let system: System;
let keys: Awaited<ReturnType<typeof credKeys>>;
let namespace = "";
let count = 0;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("cred_beyond");
  system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl, apart: { "edge-http": 2 } },
    settings: {
      FIELDLOG_CRED_PING_TIMEOUT_S: String(PING_TIMEOUT_S),
      FIELDLOG_CRED_SCHEDULER: "true",
      FIELDLOG_CRED_SCHEDULER_PERIOD_S: "60",
    },
  });
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});
beforeEach(async () => {
  namespace = `beyond-${++count}`;
  keys = await credKeys(system, namespace);
});

const otherUrl = () => system.processes["edge-http-2"]?.url ?? "";

async function client(permission: "read" | "write" | "admin" = "write", more: Json = {}, url = system.url) {
  const made = new CredClient(url);
  expect((await made.login(keys[permission], more)).status).toBe(201);
  return made;
}

describe("lists", () => {
  it("have limit and offset of the merged result, and combine with before and after", async () => {
    const one = await client("write", { subscribe: { A: {}, B: {} } });
    const ids: number[] = [];
    for (let i = 0; i < 6; i++) ids.unshift(await one.event({ name: i % 2 === 0 ? "A" : "B", value: i }));
    const [n5, n4, n3, n2, n1, n0] = ids;
    const path = `/clients/${one.id}/subscribedevents`;
    expect(await one.ids(path)).toEqual(ids);
    expect(await one.ids(`${path}?limit=1`)).toEqual([n5]);
    expect(await one.ids(`${path}?limit=2&offset=1`)).toEqual([n4, n3]);
    expect(await one.ids(`/events?after=${n1}&before=${n4}`)).toEqual([n3, n2]);
    expect(await one.ids(`/events?after=${n1}&limit=1`)).toEqual([n5]);
    expect(await one.ids(`/events?offset=4`)).toEqual([n1, n0]);
    expect(await one.ids("/events?limit=0")).toEqual([]);
    expect(await one.ids("/events?limit=-1&from=2")).toEqual(ids);
    expect(await one.ids("/events?before=0")).toEqual([]);
    expect(await one.ids("/events?after=0")).toEqual(ids);
    expect(await one.ids("/events?limit=&before=")).toEqual(ids);
    expect(await one.ids(`/events?offset=99999999999`)).toEqual([]);
  });

  it.each([
    ["", false],
    ["false", false],
    ["False", false],
    ["true", true],
    ["0", true],
    ["yes", true],
  ])("are full for full=%s: %s", async (full, expected) => {
    const one = await client();
    await one.event({ name: "A" });
    const [event] = await one.list(`/events?full=${full}`);
    expect("value" in (event ?? {})).toBe(expected);
  });

  it("are refused what is no integer", async () => {
    const one = await client("admin");
    for (const list of [
      "/events",
      "/clients",
      `/clients/${one.id}/events`,
      `/clients/${one.id}/subscribedevents`,
      "/apikeys",
    ]) {
      for (const name of ["limit", "offset", "before", "after"]) {
        const { status, json } = await one.ask(`${list}?${name}=x`);
        expect([list, name, status, json["status"]]).toEqual([list, name, 400, 400]);
      }
    }
  });

  it("never show an id before every smaller one can be seen: who asks after the newest misses nothing", async () => {
    const posters = await Promise.all([
      client(),
      client("write", {}, otherUrl()),
      client(),
      client("write", {}, otherUrl()),
    ]);
    const reader = await client("read", {}, otherUrl());
    const posted: number[] = [];
    const seen: number[] = [];
    let done = false;
    const posting = Promise.all(
      posters.map(async (poster) => {
        for (let i = 0; i < 40; i++) posted.push(await poster.event({ name: "A", value: i }));
      }),
    ).then(() => {
      done = true;
    });
    const poll = async () => seen.push(...(await reader.ids(`/events?after=${seen.at(-1) ?? 0}`)).reverse());
    while (!done) await poll();
    await posting;
    await until("all are seen", async () => {
      await poll();
      return seen.length >= posted.length;
    });
    expect(seen).toEqual([...posted].sort((a, b) => a - b));
  });
});

describe("requests", () => {
  it("log in by a form and by the query as well, and may show the session in the body", async () => {
    const form = new URLSearchParams({ apikey: keys.write, device: "Web UI", location: "Internet" });
    const one = new CredClient(system.url);
    const { json } = await one.post("/auth", form);
    expect(json["message"]).toBe("Authenticated");
    const byQuery = await one.ask(`/auth?apikey=${keys.read}`, { method: "POST" });
    expect(byQuery.status).toBe(201);
    const { status } = await one.post("/events", { sessionKey: json["sessionKey"], event: { name: "A" } });
    expect(status).toBe(201);
    one.sessionKey = String(json["sessionKey"]);
    expect((await one.ask("/clients/me")).json["client"]).toMatchObject({
      device: "Web UI",
      location: "Internet",
    });
    expect(await one.list("/events?full=1")).toMatchObject([{ device: "Web UI", name: "A", location: null }]);
  });

  it("get a slot where there is a scheduler", async () => {
    const { json } = await new CredClient(system.url).login(keys.read);
    expect(json["PINGTimeout"]).toBe(PING_TIMEOUT_S);
    const { slot } = json["scheduled"] as { slot: number };
    expect(json["scheduled"]).toEqual({ assigned: true, slot, period: 60 });
    expect(slot >= 1 && slot <= 30).toBe(true);
  });

  it("make events of nothing and of anything, as texts", async () => {
    const one = await client();
    for (const body of ["", "{}", '{"event":{}}', '{"event":null}']) {
      expect((await one.ask("/events", { method: "POST", body })).status).toBe(201);
    }
    await one.event({ name: "N", value: 25.5, action: true, location: null, device: "ignored", x: 1 });
    const [newest, ...others] = await one.list("/events?full=true");
    expect(newest).toMatchObject({ name: "N", value: "25.5", action: "True", location: null, device: null });
    for (const event of others)
      expect(event).toMatchObject({ name: null, action: null, value: null, device: null });
  });

  it("are answered in JSON whatever is wrong with them", async () => {
    const one = await client();
    const asked: [string, string, unknown, number][] = [
      ["GET", "/auth", undefined, 405],
      ["DELETE", "/events", undefined, 405],
      ["POST", `/clients/${one.id}/events`, {}, 405],
      ["GET", "/events/", undefined, 404],
      ["GET", "/events/x", undefined, 404],
      ["GET", "/clients/-1", undefined, 404],
      ["GET", "/clients/1/other", undefined, 404],
      ["GET", "/apikeys/1/x", undefined, 404],
      ["POST", "/events", "{", 400],
      ["POST", "/events", [], 400],
      ["POST", "/events", { event: [] }, 400],
      ["POST", "/events", { event: { value: "x".repeat(limits.textLength + 1) } }, 400],
      ["POST", "/events", "x".repeat(limits.bodyBytes + 1), 413],
      ["POST", "/auth", { apikey: keys.read, subscribe: [] }, 400],
      ["POST", "/auth", { apikey: keys.read, subscribe: { X: null } }, 400],
      ["POST", "/auth", { apikey: "wrong" }, 401],
    ];
    for (const [method, path, body, expected] of asked) {
      const { status, json, text } = await one.ask(path, { method, body });
      expect([method, path, status, json["status"], typeof json["message"]]).toEqual([
        ...[method, path, expected, expected, "string"],
      ]);
      expect(text.includes("\n")).toBe(false);
    }
    const admin = await client("admin");
    expect((await admin.post("/apikeys", {})).status).toBe(400);
    expect((await client("read", { subscribe: { Light: "tolerated" } })).id).toBeGreaterThan(0);
  });

  it("of pages of another origin are allowed, with their cookies, and asked before", async () => {
    const origin = { origin: "https://web.example" };
    const one = await client("read");
    for (const path of ["/events", "/events/0", "/events/x", "/events/%zz", "/auth", "/apikeys?a=%zz"]) {
      const { headers } = await one.ask(path, { headers: origin });
      expect(headers.get("access-control-allow-origin")).toBe(origin.origin);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
    }
    const asking = {
      ...origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "x-a",
    };
    const { status, headers } = await one.ask("/events", { method: "OPTIONS", headers: asking });
    expect([status, headers.get("access-control-allow-headers")]).toEqual([200, "x-a"]);
    expect(headers.get("access-control-allow-origin")).toBe(origin.origin);
  });

  it("crash nothing, whatever is in them", async () => {
    const one = await client();
    const name = fc.constantFrom(
      "event",
      "apikey",
      "sessionKey",
      "subscribe",
      "device",
      "location",
      "name",
      "value",
    );
    const inside = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: "binary", maxLength: 20 }));
    const body = fc.dictionary(name, fc.oneof(inside, fc.dictionary(name, inside)));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/events", "/auth", "/apikeys"), body, async (path, given) => {
        const { status } = await one.post(path, {
          ...given,
          ...(path === "/auth" ? { apikey: keys.read } : {}),
        });
        return status < 500;
      }),
      { numRuns: 60 },
    );
  });
});

describe("clients", () => {
  it("are listed while they ask, on any edge, and no longer than the ping time-out after", async () => {
    const one = await client("read");
    const two = await client("read", {}, otherUrl());
    const since = Date.now();
    while (Date.now() - since < PING_TIMEOUT_S * 1_500) {
      await one.ask("/events");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await until("the other is gone", async () => !(await one.ids("/clients")).includes(two.id));
    expect(await one.ids("/clients")).toEqual([one.id]);
    expect((await one.ask(`/clients/${two.id}`)).status).toBe(200);
    await two.ask("/events");
    await until("it is back", async () => (await one.ids("/clients")).includes(two.id));
  });

  it("do what their key may, and nothing a second after it was revoked", async () => {
    const [one, two] = [await client("write"), await client("write", {}, otherUrl())];
    expect([(await one.ask("/events")).status, (await two.ask("/events")).status]).toEqual([200, 200]);
    const listed = (await native(system, "GET", `namespaces/${namespace}/api-keys`)) as {
      apiKeys?: Json[];
      keys?: Json[];
    };
    const { id } =
      (listed.apiKeys ?? listed.keys ?? []).find(({ permission }) => permission === "write") ?? {};
    await native(system, "DELETE", `namespaces/${namespace}/api-keys/${id}`);
    const revokedAt = Date.now();
    for (const each of [one, two]) {
      await until("it is out", async () => (await each.ask("/events")).status === 401);
    }
    expect(Date.now() - revokedAt).toBeLessThan(SOON_MS);
    expect((await new CredClient(system.url).login(keys.write)).status).toBe(401);
  });

  it.each([
    ["removed", "DELETE", ""],
    ["erased", "POST", "/erase"],
  ])("are out on every edge once they are %s", async (_, method, what) => {
    const one = await client("write");
    expect(await one.event({ name: "A" })).toBeGreaterThan(0);
    const other = new CredClient(otherUrl());
    other.sessionKey = one.sessionKey;
    expect((await other.ask("/clients/me")).status).toBe(200);
    const { events } = (await native(system, "GET", `namespaces/${namespace}/events?type=A`)) as {
      events: Json[];
    };
    await native(system, method, `namespaces/${namespace}/devices/${events[0]?.["device"]}${what}`);
    for (const each of [one, other]) {
      await until(
        "it is out",
        async () => (await each.post("/events", { event: {} })).status === 401,
        SOON_MS,
      );
    }
  });

  it("share their namespace's events with everything else, and nobody else's", async () => {
    const one = await client("write", { subscribe: { Light: {} } });
    await native(system, "POST", `namespaces/${namespace}/events`, {
      name: "Light",
      place: "Hall",
      value: 3,
    });
    await until(
      "it is there",
      async () => (await one.ids(`/clients/${one.id}/subscribedevents`)).length === 1,
    );
    expect(await one.list("/events?full=true")).toMatchObject([
      { name: "Light", location: "Hall", value: "3" },
    ]);
    await one.event({ name: "Heat", location: "Hall", value: "4" });
    const { events } = (await native(system, "GET", `namespaces/${namespace}/events?type=Heat`)) as {
      events: Json[];
    };
    expect(events).toMatchObject([{ place: "Hall", value: "4" }]);
    const operator = new CredClient(system.url);
    expect((await operator.login(system.adminKey)).status).toBe(201);
    expect(await operator.ids("/events?limit=5")).toEqual([]);
  });
});
