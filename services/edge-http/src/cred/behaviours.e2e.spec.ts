import { type System, startServers, startSystem, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CredClient, credKeys, type Json, THERMOSTAT } from "./cred.fixture.js";

// The 31 behaviours that the original's own tests hold (B11), each over HTTP, in a namespace of its own.

let servers: TestServers;
let system: System;
let keys: Awaited<ReturnType<typeof credKeys>>;
let count = 0;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("cred");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});
beforeEach(async () => {
  keys = await credKeys(system, `cred-${++count}`);
});

async function client(
  permission: "read" | "write" | "admin" = "write",
  more: Json = THERMOSTAT,
): Promise<CredClient> {
  const made = new CredClient(system.url);
  expect((await made.login(keys[permission], more)).status).toBe(201);
  return made;
}

const light = { name: "Light", location: "Living Room", action: "Turned On", value: "100" };

describe("auth", () => {
  it("1: a good key is authenticated, without a slot, and told the ping time-out", async () => {
    const { status, json, headers } = await new CredClient(system.url).login(keys.read, THERMOSTAT);
    expect(status).toBe(201);
    expect(Object.keys(json)).toEqual(["status", "message", "id", "sessionKey", "scheduled", "PINGTimeout"]);
    expect(json).toMatchObject({
      ...{ status: 201, message: "Authenticated", sessionKey: expect.stringMatching(/^[0-9a-f]{64}$/) },
      ...{ scheduled: { assigned: false, slot: null, period: null }, PINGTimeout: 240 },
    });
    expect(Number.isInteger(json["id"])).toBe(true);
    expect(headers.get("set-cookie")).toBe(`sessionKey=${json["sessionKey"]}`);
  });

  it("2: without a key there is no session", async () => {
    const { status, json } = await new CredClient(system.url).post("/auth", THERMOSTAT);
    expect([status, json]).toEqual([401, { status: 401, message: "Invalid API Key" }]);
  });
});

describe("events", () => {
  it("3: posting one is answered with its id and uri", async () => {
    const one = await client();
    const { status, json } = await one.post("/events", { event: light });
    const { id } = json["event"] as { id: number };
    expect([status, json]).toEqual([
      201,
      { status: 201, message: "Created Event", event: { id, uri: `${system.url}/events/${id}` } },
    ]);
  });

  it("4: posting with a key that may read is forbidden", async () => {
    const { status, json } = await (await client("read")).post("/events", { event: light });
    expect([status, json]).toEqual([403, { status: 403, message: "Insufficient Permissions" }]);
  });

  it("5: the list is empty at first", async () => {
    const { status, json } = await (await client("read")).ask("/events");
    expect([status, json]).toEqual([200, { status: 200, message: "OK", events: [] }]);
  });

  it("6: the full list has every field", async () => {
    const one = await client();
    const id = await one.event(light);
    const [event] = await one.list("/events?full=true");
    expect(Object.keys(event ?? {})).toEqual([
      "id",
      "device",
      "name",
      "location",
      "action",
      "value",
      "time",
      "uri",
    ]);
    expect(event).toEqual({
      ...{ id, device: "Thermostat", ...light, uri: `${system.url}/events/${id}` },
      time: expect.stringMatching(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d -0000$/),
    });
    expect(await one.list("/events")).toEqual([{ id, uri: `${system.url}/events/${id}` }]);
  });

  it("7: an item has its device", async () => {
    const one = await client();
    const id = await one.event(light);
    const { status, json } = await one.ask(`/events/${id}`);
    expect([status, json["event"]]).toMatchObject([200, { id, device: "Thermostat", ...light }]);
  });

  it("8: item 0 is not found", async () => {
    const { status, json } = await (await client("read")).ask("/events/0");
    expect([status, json]).toEqual([404, { status: 404, message: "Event Not Found" }]);
  });

  it("9: nothing without a session", async () => {
    const stranger = new CredClient(system.url);
    const asked = [
      await stranger.ask("/events"),
      await stranger.post("/events", {}),
      await stranger.ask("/events/1"),
    ];
    for (const { status, json } of asked) {
      expect([status, json]).toEqual([401, { status: 401, message: "Not Authenticated" }]);
    }
  });
});

describe("clients", () => {
  it("10: the list has ids and uris alone", async () => {
    const one = await client("read");
    const { status, json } = await one.ask("/clients");
    const clients = [{ id: one.id, uri: `${system.url}/clients/${one.id}` }];
    expect([status, json]).toEqual([200, { status: 200, message: "OK", clients }]);
  });

  it("11: the full list has device and location, the newest first", async () => {
    const one = await client("read");
    const two = await client("read", { device: "Lamp" });
    expect(two.id).toBeGreaterThan(one.id);
    expect(await one.list("/clients?full=true")).toEqual([
      { id: two.id, device: "Lamp", location: null, uri: `${system.url}/clients/${two.id}` },
      { id: one.id, device: "Thermostat", location: "Living Room", uri: `${system.url}/clients/${one.id}` },
    ]);
  });

  const whole = (one: CredClient) => ({
    ...{ id: one.id, device: "Thermostat", location: "Living Room", uri: `${system.url}/clients/${one.id}` },
  });

  it("12: /clients/me is who asks", async () => {
    const one = await client("read");
    expect((await one.ask("/clients/me")).json).toEqual({ status: 200, message: "OK", client: whole(one) });
  });

  it("13: a client is found by its id", async () => {
    const one = await client("read");
    expect((await one.ask(`/clients/${one.id}`)).json["client"]).toEqual(whole(one));
  });

  it("14: one that is not there is not found", async () => {
    const { status, json } = await (await client("read")).ask("/clients/0");
    expect([status, json]).toEqual([404, { status: 404, message: "Client Not Found" }]);
  });
});

describe("events of clients", () => {
  it("15: a client's own, the newest first", async () => {
    const [one, two] = [await client(), await client()];
    const first = await one.event(light);
    await two.event(light);
    const second = await one.event({ name: "Heat" });
    expect(await two.ids(`/clients/${one.id}/events`)).toEqual([second, first]);
  });

  it("16: of a client without any, none", async () => {
    const one = await client("read");
    expect((await one.ask(`/clients/${one.id}/events`)).json).toEqual({
      status: 200,
      message: "OK",
      events: [],
    });
  });

  it("17: of a client that is not there, not found", async () => {
    const { status, json } = await (await client("read")).ask("/clients/0/events");
    expect([status, json["message"]]).toEqual([404, "Client Not Found"]);
  });

  it("18: of those subscribed to only what matches, the newest first", async () => {
    const one = await client();
    const before = await one.event(light);
    await one.event({ ...light, location: "Lobby" });
    await one.event({ name: "Heat", location: "Living Room" });
    const alarm = await one.event({ name: "Alarm", location: "Lobby" });
    expect(await one.ids(`/clients/${one.id}/subscribedevents`)).toEqual([alarm, before]);
  });

  it("19: those subscribed to of a client that is not there, not found", async () => {
    const { status, json } = await (await client("read")).ask("/clients/0/subscribedevents");
    expect([status, json["message"]]).toEqual([404, "Client Not Found"]);
  });

  it("20: of a client that subscribed to nothing that happened, none", async () => {
    const one = await client();
    await one.event({ name: "Heat" });
    const path = `/clients/${one.id}/subscribedevents`;
    expect((await one.ask(path)).json).toEqual({ status: 200, message: "OK", events: [] });
  });
});

describe("API keys", () => {
  it("21: one that may administer makes keys", async () => {
    const one = await client("admin");
    for (const permission of ["read", "write", "admin"]) {
      const { status, json } = await one.post("/apikeys", { permission });
      const key = json["apikey"] as Json;
      expect([status, json["message"], Object.keys(key)]).toEqual([
        ...[201, "Created API Key"],
        ["id", "apikey", "permission", "created", "uri"],
      ]);
      expect(key).toMatchObject({ apikey: expect.stringMatching(/^[A-Za-z0-9]{43}$/), permission });
      expect((await new CredClient(system.url).login(String(key["apikey"]))).status).toBe(201);
    }
  });

  it("22: of no other permission", async () => {
    const { status, json } = await (await client("admin")).post("/apikeys", { permission: "god" });
    expect([status, json]).toEqual([400, { status: 400, message: "Invalid Permissions" }]);
  });

  const cases = (["read", "write"] as const).flatMap((permission, p) =>
    ["making", "listing", "looking at"].map((what, w) => [23 + p * 3 + w, what, permission] as const),
  );
  it.each(cases)("%i: %s keys is forbidden to one that may %s", async (_number, what, permission) => {
    const one = await client(permission);
    const asked = {
      making: () => one.post("/apikeys", { permission: "read" }),
      listing: () => one.ask("/apikeys"),
      "looking at": () => one.ask("/apikeys/1"),
    };
    const { status, json } = await asked[what as keyof typeof asked]();
    expect([status, json]).toEqual([403, { status: 403, message: "Insufficient Permissions" }]);
  });

  it("29: the list has the newest first", async () => {
    const one = await client("admin");
    const ids = await one.ids("/apikeys");
    expect(ids).toHaveLength(3);
    expect([...ids].sort((a, b) => b - a)).toEqual(ids);
    const [newest] = await one.list("/apikeys?full=true");
    expect(newest).toMatchObject({ apikey: `${keys.admin.slice(0, 8)}…`, permission: "admin" });
  });

  it("30: an item is found by its id", async () => {
    const one = await client("admin");
    const [id] = await one.ids("/apikeys");
    const { status, json } = await one.ask(`/apikeys/${id}`);
    expect([status, json["apikey"]]).toMatchObject([
      200,
      { id, permission: "admin", uri: `${system.url}/apikeys/${id}` },
    ]);
  });

  it("31: one that is not there is not found", async () => {
    const { status, json } = await (await client("admin")).ask("/apikeys/0");
    expect([status, json]).toEqual([404, { status: 404, message: "API Key Not Found" }]);
  });
});
