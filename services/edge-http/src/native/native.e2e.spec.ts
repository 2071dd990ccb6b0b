import { create } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { encoded, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes, dateOf, len, num, pick, signature } from "../csn/hand.fixture.js";
import { sendsToDevices } from "./device-bound/device-bound.fixture.js";
import { editsDevices } from "./editing/editing.fixture.js";
import { hasFleets } from "./fleet/fleet.fixture.js";
import { reseals } from "./installation/installation.fixture.js";
import { keepsOperatorKeysApart, limitsKeys, makesBoardKeys, makesCredKeys } from "./keys.fixture.js";
import { tellsThatItLives } from "./liveness/liveness.fixture.js";
import { showsMessages } from "./messages.fixture.js";
import { type Json, Native } from "./native.fixture.js";
import { hasProperties } from "./properties/properties.fixture.js";
import { letsDevicesIn } from "./provisioning/provisioning.fixture.js";
import { countsAndSigns } from "./rates/rates.fixture.js";
import { asksForData } from "./readings/readings.fixture.js";
import { keepsSamples } from "./samples/samples.fixture.js";
import { asksToSample } from "./samplings/samplings.fixture.js";
import { looks } from "./snapshots/snapshots.fixture.js";
import { keepsStreams } from "./streamgroups/streamgroups.fixture.js";
import { keepsSubscriptions } from "./subscriptions.fixture.js";
import { shutsEveryDoor } from "./tenancy/disabled.fixture.js";
import { governs } from "./tenancy/tenancy.fixture.js";
import { tunnels } from "./tunnels/tunnels.fixture.js";

const PROBLEM = "application/problem+json";

let native: Native;

beforeAll(async () => {
  native = await Native.start();
});
afterAll(() => native?.stop());

const call: Native["call"] = (...asked) => native.call(...asked);
const csn = (path: string, body: Uint8Array) => native.csn(path, body);

describe("the native API", () => {
  const EVENTS = "/v1/namespaces/{ns}/events";
  const test = { ns: "test" };
  let device = "";
  let secret = "";
  let sent = 0;
  const sign = () => ({ id: sent++, secret, date: dateOf(Date.now()) });

  beforeAll(async () => {
    const roof = [...len(4, "roof"), ...len(128, "old-1")];
    const { fields } = await csn("client/create", bytes(len(1, roof), len(2, num(2, 0))));
    device = String(fields.find(({ field }) => field === 2)?.value);
    secret = Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString();
  });

  it("shows an event to the reader that comes right after its sender", async () => {
    for (let i = 0; i < 10; i++) {
      const { position } = await csn(`event/${device}`, pick(sign()));
      const { json } = await call("get", EVENTS, test, { query: `?device=${device}&after=${position - 1}` });
      expect(json["events"]).toMatchObject([
        {
          ...{ specversion: "1.0", type: "pick", position, source: `/namespaces/test/devices/${device}` },
          data: { sensor: "0", sensorType: "accelerometer-3-axis", readings: [0, 0, 1.05895996094] },
        },
      ]);
    }
  });

  it("streams events to whoever listens", async () => {
    const head = await native.begins("get", `${EVENTS}/stream`, test);
    expect(head).toMatch(/^retry: \d+\nid: \d+\n\n/);
  });

  it("pages through events, and through time", async () => {
    const all = (await call("get", EVENTS, test, { query: `?device=${device}` })).json["events"] as Json[];
    expect(all).toHaveLength(10);
    const paged: unknown[] = [];
    for (let next: unknown = 0; next !== null; ) {
      const page = await call("get", EVENTS, test, { query: `?device=${device}&limit=4&after=${next}` });
      paged.push(...(page.json["events"] as Json[]));
      next = page.json["next"];
    }
    expect(paged).toEqual(all);
    const middle = encodeURIComponent(String(all[5]?.["time"]));
    const later = await call("get", EVENTS, test, { query: `?device=${device}&from=${middle}` });
    const earlier = await call("get", EVENTS, test, { query: `?device=${device}&to=${middle}` });
    expect([...(earlier.json["events"] as Json[]), ...(later.json["events"] as Json[])]).toEqual(all);
    expect((await call("get", EVENTS, test, { query: "?type=quake" })).json["events"]).toEqual([]);
    expect((await call("get", EVENTS, { ns: "default" })).json).toEqual({ events: [], next: null });
  });

  it("shows devices", async () => {
    const { json } = await call("get", "/v1/namespaces/{ns}/devices", test);
    expect(json).toMatchObject({ devices: [{ id: device, dialect: "csn" }], next: null });
    // A message with nothing but its signature: a blank heartbeat, a question, an update of nothing.
    for (const kind of ["heartbeat", "client/metadata", "client/update"]) {
      await csn(`${kind}/${device}`, bytes(signature(sign())));
    }
    const dates = [...len(4, dateOf(Date.now() - 60_000)), ...len(5, dateOf(Date.now()))];
    const data = [...num(1, 0), ...num(2, 1), ...dates, ...num(8, 1)];
    await csn(`data/offer/${device}`, bytes(signature(sign()), len(2, data)));
    await csn(`client/get-keyvalue/${device}`, bytes(signature(sign())));
    await csn(`client/edit-token/${device}`, bytes(signature(sign())));
    await csn("query/name-available", bytes(len(1, "cellar")));
    await csn("query/existing-uuid", bytes(len(1, "nobody's")));
    await csn("query/recent-events", bytes());
    await csn("query/client-from-legacy-id", bytes(len(1, "old-1")));
    const one = await call("get", "/v1/namespaces/{ns}/devices/{device}", { ...test, device });
    expect(one.json).toMatchObject({ id: device, metadata: { name: "roof" }, sensors: [{ id: "0" }] });
    expect((await call("get", "/v1/namespaces/{ns}/devices/{device}", { ...test, device: "1" })).status).toBe(
      404,
    );
  });

  const DEVICES = "/v1/namespaces/{ns}/devices";
  const ONE = `${DEVICES}/{device}`;

  it("creates devices that speak MQTT, gives them passwords, and removes them", async () => {
    const body = { name: "boiler" };
    const made = await call("post", DEVICES, test, { body });
    expect([made.status, made.json["name"]]).toEqual([201, "boiler"]);
    expect(Number(made.headers.get("fieldlog-position"))).toBeGreaterThan(0);
    const boiler = { ...test, device: String(made.json["id"]) };
    expect((await call("get", ONE, boiler)).json).toMatchObject({
      ...{ dialect: "native", metadata: { name: "boiler" }, latestValues: {} },
    });
    expect((await call("post", DEVICES, test, { body })).status).toBe(409);
    expect((await call("post", DEVICES, test, { body: { name: "Boi ler" } })).status).toBe(400);

    const PASSWORD = `${ONE}/mqtt-password`;
    const rotated = await call("post", PASSWORD, boiler);
    expect(rotated.json["secret"]).not.toBe(made.json["secret"]);
    // One that speaks CSN may speak MQTT as well.
    expect((await call("post", PASSWORD, { ...test, device })).status).toBe(201);
    expect((await call("post", PASSWORD, { ...test, device: "nothing" })).status).toBe(404);

    expect((await call("delete", ONE, boiler)).status).toBe(204);
    expect((await call("get", ONE, boiler)).status).toBe(404);
    expect((await call("post", PASSWORD, boiler)).status).toBe(404);
    expect((await call("delete", ONE, { ...test, device: "nothing" })).status).toBe(404);
    const again = await call("post", DEVICES, test, { body });
    expect([again.status, again.json["id"]]).toEqual([201, expect.not.stringMatching(boiler.device)]);
  });

  it("lets a key with permission write create devices, and one with admin take their identity", async () => {
    const KEYS = "/v1/namespaces/{ns}/api-keys";
    const as = async (permission: string) => {
      const { json } = await call("post", KEYS, test, { body: { permission } });
      return { key: String(json["key"]) };
    };
    const [reader, writer] = [await as("read"), await as("write")];
    const body = { name: "pump" };
    expect((await call("post", DEVICES, test, { ...reader, body })).status).toBe(403);
    const made = await call("post", DEVICES, test, { ...writer, body });
    expect(made.status).toBe(201);
    const pump = { ...test, device: String(made.json["id"]) };
    expect((await call("post", `${ONE}/mqtt-password`, pump, writer)).status).toBe(403);
    expect((await call("delete", ONE, pump, writer)).status).toBe(403);
    const RETENTION = "/v1/namespaces/{ns}/retention";
    const days = { body: { measurementDays: 1, logDays: 1 } };
    expect((await call("put", RETENTION, test, { ...writer, ...days })).status).toBe(403);
    expect((await call("get", RETENTION, test, reader)).status).toBe(200);
  });

  it("shows the newest values of a device that measures", async () => {
    const made = await call("post", DEVICES, test, { body: { name: "meter" } });
    const meter = { ...test, device: String(made.json["id"]) };
    const measurements = [
      { occurredAt: 1.5, attributes: ["watt"], values: [230] },
      { occurredAt: 1e300, attributes: ["volt"], values: [1] },
    ];
    const signal = create(signals.SignalSchema, {
      ...{ device: meter.device, receivedAt: 1n, occurredAt: 1n, publication: { topic: "measurements/x" } },
      body: { case: "measurements", value: { measurements } },
    });
    await native.log.signals.append("test", encoded(signal));
    const latest = async () => (await call("get", ONE, meter)).json["latestValues"] as Json;
    await until("it is there", async () => (await latest())["watt"] !== undefined);
    expect(await latest()).toEqual({
      watt: { value: 230, time: "1970-01-01T00:00:01.500Z" },
      volt: { value: 1, time: "9999-12-31T23:59:59.999Z" },
    });
  });

  it("shows plain messages, by topic, from a position on", () => showsMessages(native));

  it("keeps what devices reported as long as it is told", async () => {
    const RETENTION = "/v1/namespaces/{ns}/retention";
    const get = async () => (await call("get", RETENTION, test)).json;
    expect(await get()).toEqual({ measurementDays: null, logDays: 56 });
    for (const body of [
      { measurementDays: 365, logDays: 7 },
      { measurementDays: null, logDays: null },
    ]) {
      const set = await call("put", RETENTION, test, { body });
      expect([set.status, set.json]).toEqual([200, body]);
      expect(await get()).toEqual(body);
    }
    for (const body of [{}, { measurementDays: 0, logDays: 1 }, { measurementDays: 1.5, logDays: 1 }]) {
      expect((await call("put", RETENTION, test, { body })).status).toBe(400);
    }
  });

  it("creates namespaces, which can be used by id and by name at once", async () => {
    const made = await call("post", "/v1/namespaces", {}, { body: { name: "volcano" } });
    expect(made.status).toBe(201);
    expect(Number(made.headers.get("fieldlog-position"))).toBeGreaterThan(0);
    for (const ns of ["volcano", String(made.json["id"])]) {
      expect((await call("get", EVENTS, { ns })).status).toBe(200);
    }
    expect((await call("post", "/v1/namespaces", {}, { body: { name: "volcano" } })).status).toBe(409);
    expect(made.json["shard"]).toBe(0);
    for (const body of [{ name: "Vol cano" }, { name: "crater", shard: 1 }, { name: "crater", shard: -1 }]) {
      expect((await call("post", "/v1/namespaces", {}, { body })).status).toBe(400);
    }
    const { json } = await call("get", "/v1/namespaces");
    expect((json["namespaces"] as Json[]).map(({ name }) => name)).toEqual(
      expect.arrayContaining(["default", "test", "volcano"]),
    );
  });

  it("keeps subscriptions: makes, polls, shows and removes them, each for its owner", () =>
    keepsSubscriptions(native));

  it("lets a key do what its namespace and permission allow, and nothing when it is revoked", () =>
    limitsKeys(native));

  it("makes keys of cred's form, each of one namespace", () => makesCredKeys(native));

  it("makes keys for boards: one that they show, and one that they sign with, which opens nothing", () =>
    makesBoardKeys(native));

  it("keeps the operator's keys apart", () => keepsOperatorKeysApart(native));

  it("answers errors with problem documents that say what is wrong", async () => {
    const none = await call("get", EVENTS, test, { key: null });
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect((await call("get", EVENTS, test, { key: "fl_wrong" })).status).toBe(401);
    expect((await call("get", EVENTS, { ns: "nowhere" }, { key: null })).status).toBe(401);
    expect((await call("get", EVENTS, { ns: "nowhere" })).status).toBe(404);
    for (const query of [
      "?limit=0",
      "?limit=1001",
      "?limit=x",
      "?after=-1",
      "?from=yesterday",
      "?devise=1",
    ]) {
      const bad = await call("get", EVENTS, test, { query });
      expect([query, bad.status]).toEqual([query, 400]);
      expect(bad.json["detail"]).toContain(query.slice(1, query.indexOf("=")));
    }
    const body = { kind: "native", permission: "all", nam: "x" };
    const wrong = await call("post", "/v1/api-keys", {}, { body });
    expect(wrong.json["errors"]).toMatchObject([{ field: "permission" }, { field: "nam" }]);
    const headers = { "fieldlog-min-position": "soon" };
    expect((await call("get", EVENTS, test, { headers })).status).toBe(400);
    const unknown = await fetch(`${native.system.url}/v1/nothing`);
    expect([unknown.status, unknown.headers.get("content-type")]).toEqual([404, PROBLEM]);
    const garbled = await fetch(`${native.system.url}/v1/namespaces`, {
      method: "POST",
      headers: { authorization: `Bearer ${native.system.adminKey}`, "content-type": "application/json" },
      body: "{",
    });
    expect([garbled.status, garbled.headers.get("content-type")]).toEqual([400, PROBLEM]);
  });

  it("shows and rebuilds read models, and passes on what is asked of dead letters", async () => {
    const { json } = await call("get", "/v1/read-models");
    const names = (json["readModels"] as Json[]).map(({ name }) => String(name));
    expect(names).toContain("events");
    expect((await call("post", "/v1/read-models/{name}/rebuild", { name: "events" })).status).toBe(202);
    expect((await call("post", "/v1/read-models/{name}/rebuild", { name: "nothing" })).status).toBe(404);
    expect((await call("get", "/v1/dead-letters")).json).toEqual({ deadLetters: [] });
    const body = { readModel: "events", namespace: "test", device };
    expect((await call("post", "/v1/dead-letters/retry", {}, { body })).status).toBeLessThan(500);
    expect((await call("post", "/v1/dead-letters/drop", {}, { body })).status).toBeLessThan(500);
  });

  it("seals anew what the installation's key sealed", () => reseals(native));

  it("publishes an event, or several", async () => {
    const one = await call("post", EVENTS, test, { body: { name: "light", value: 3, place: "roof" } });
    expect([one.status, one.json["id"]]).toEqual([201, String(one.json["position"])]);
    expect(Number(one.headers.get("fieldlog-position"))).toBe(one.json["position"]);
    const several = await call("post", EVENTS, test, { body: [{ name: "light" }, { nam: "light" }] });
    expect([several.status, several.json["results"]]).toMatchObject([
      200,
      [{ status: 201 }, { status: 400, field: "nam" }],
    ]);
    expect((await call("post", EVENTS, test, { body: { name: 7 } })).status).toBe(400);
    const { json } = await call("get", EVENTS, test, { query: "?type=light" });
    expect(json["events"]).toMatchObject([{ type: "light", value: "3", place: "roof" }, { type: "light" }]);
  });

  it("asks for data, takes what is offered, and gives it back", () => asksForData(native));
  it("counts events, and lets devices sign", () => countsAndSigns(native));
  it("tells who is alive", () => tellsThatItLives(native));
  it("shows what devices see", () => looks(native));
  it("asks devices to sample", () => asksToSample(native));
  it("says what is wanted of devices, and what they say", () => hasProperties(native));
  it("says what is wanted of whole fleets, and how far that is", () => hasFleets(native));
  it("lets devices in that nobody has registered", () => letsDevicesIn(native));
  it("sends such devices messages, and calls them", () => sendsToDevices(native, "hut-1"));
  it("opens tunnels to devices, where that is allowed", () => tunnels(native));
  it("shuts every door to the devices of a namespace that is disabled", () => shutsEveryDoor(native));
  it("keeps streams of messages, and gives them out", () => keepsStreams(native));

  it("keeps samples and models, and gives them out", () => keepsSamples(native));

  it("changes devices' metadata, by keys and by edit tokens", () => editsDevices(native));

  it("sets namespaces, says who belongs to them, clears them and erases devices", async () => {
    for (const user_name of ["governor", "visitor"]) {
      const response = await fetch(`${native.system.url}/users`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ user_name, password: "12345678" }),
      });
      expect(response.status).toBe(201);
    }
    await governs(native, { user: "governor", other: "visitor" });
  });

  it("was called through every operation that its document describes", async () => {
    for (const path of ["/healthz", "/readyz", "/openapi.json"]) {
      expect((await call("get", path, {}, { key: null })).status).toBe(200);
    }
    const others = ["tenta", "cred", "edge-impulse", "spotflow", "pages"];
    const described = Object.entries(native.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        // Other tests ask the dialects', and look at the page.
        .filter(([, { tags }]) => !others.some((tag) => tags.includes(tag)))
        .map(([method]) => `${method} ${path}`),
    );
    expect([...native.answered].sort()).toEqual(described.sort());
  });
});
