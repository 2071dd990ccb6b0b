import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NOBODY, type Person, Tenta } from "./tenta.fixture.js";

// What the original's own tests ask of it (A6), asked of the started system.

const HOUR = 3_600;
/** The current full hour, to which the reference's times are relative. */
const now = Math.floor(Date.now() / 1000 / HOUR) * HOUR;

let tenta: Tenta;
let person: Person;
let other: Person;
/** Paths of the person's network, of another one of theirs, of somebody else's, and of the first one's sensor. */
let network: string;
let airquality: string;
let foreign: string;
let sensor: string;

beforeAll(async () => {
  tenta = await Tenta.start("tenta_acceptance");
  person = await tenta.person("happy-un1c0rn");
  other = await tenta.person("deerclops");
  network = await tenta.network(person, "home");
  airquality = await tenta.network(person, "airquality");
  foreign = await tenta.network(other, "example");
  sensor = await tenta.sensor(person, network, "bulbasaur");
  await tenta.sensor(person, network, "squirtle");
});
afterAll(() => tenta?.stop());

const status = async (answer: Promise<{ status: number }>) => (await answer).status;

describe("tenta: people", () => {
  it("says what runs, since when, and where MQTT is", async () => {
    const { status, json } = await tenta.call("GET", "/status");
    const mqtt_port = Number(new URL(tenta.system.mqttUrl).port);
    expect([status, json]).toEqual([
      200,
      {
        ...{ environment: "test", commit_sha: "unknown", branch_name: "unknown" },
        ...{ start_timestamp: expect.any(Number), mqtt_hostname: "log.example.org", mqtt_port },
      },
    ]);
    expect(json.start_timestamp).toBeCloseTo(Date.now() / 1000, -3);
  });

  it("creates users, each name once", async () => {
    const body = { user_name: "ash", password: "12345678" };
    const { status: created, json } = await tenta.call("POST", "/users", { body });
    expect(created).toBe(201);
    expect(json.access_token).toMatch(/^[0-9a-f]{64}$/);
    expect(json.user_identifier).toMatch(/^[0-9a-f-]{36}$/);
    expect(await status(tenta.call("POST", "/users", { body }))).toBe(409);
  });

  it("logs in who knows the password, with a token of its own each time", async () => {
    const logIn = (user_name: string, password: string) =>
      tenta.call("POST", "/authentication", { body: { user_name, password } });
    const { status: created, json } = await logIn("happy-un1c0rn", "12345678");
    expect([created, json.user_identifier]).toEqual([201, person.id]);
    expect(json.access_token).not.toBe(person.token);
    expect(json.expiration_timestamp).toBeGreaterThan(Date.now() / 1000);
    expect(await status(logIn("happy-un1c0rn", "87654321"))).toBe(401);
    expect(await status(logIn("nobody", "12345678"))).toBe(404);
    expect(await status(tenta.call("GET", "/networks", { token: json.access_token }))).toBe(200);
  });
});

describe("tenta: networks", () => {
  it("are made by who is logged in, each name once for all", async () => {
    const make = (network_name: unknown) => person.call("POST", "/networks", { network_name });
    expect(await status(make("valley"))).toBe(201);
    expect(await status(make("valley"))).toBe(409);
    expect(await status(make("example"))).toBe(409);
    expect(await status(make(undefined))).toBe(400);
    const body = { network_name: "hill" };
    const as = (authorization: string) =>
      tenta.call("POST", "/networks", { body, headers: { authorization } });
    for (const bad of ["Bearer", `Bearer ${"0".repeat(64)}`, `Basic ${person.token}`, person.token]) {
      expect([bad, await status(as(bad))]).toEqual([bad, 401]);
    }
    const { status: none, headers } = await tenta.call("POST", "/networks", { body });
    expect([none, headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(await status(as(`bEARER ${person.token}`))).toBe(201);
  });

  it("are listed to their members", async () => {
    const { json } = await other.call("GET", "/networks");
    expect(json).toEqual([
      { network_identifier: foreign.slice("/networks/".length), network_name: "example", role: "owner" },
    ]);
    const own = await person.call("GET", "/networks");
    expect(own.json.map((one: { network_name: string }) => one.network_name)).toEqual(
      expect.arrayContaining(["home", "airquality"]),
    );
    expect(await status(tenta.call("GET", "/networks", { token: "0".repeat(64) }))).toBe(401);
  });
});

describe("tenta: sensors", () => {
  it("are made with a password, each name once in its network", async () => {
    const make = (where: string, sensor_name: string) =>
      person.call("POST", `${where}/sensors`, { sensor_name });
    const { status: created, json } = await make(airquality, "bulbasaur");
    expect(created).toBe(201);
    expect(json.sensor_identifier).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(json.sensor_secret.length).toBeGreaterThan(40);
    expect(await status(make(network, "bulbasaur"))).toBe(409);
    expect(await status(make(`/networks/${NOBODY}`, "charmander"))).toBe(404);
    expect(await status(make(foreign, "charmander"))).toBe(403);
  });

  it("are listed by name to who may see them", async () => {
    const { json } = await person.call("GET", `${network}/sensors`);
    expect(json).toMatchObject([
      { sensor_identifier: sensor.split("/")[4], sensor_name: "bulbasaur", last_seen_timestamp: null },
      { sensor_name: "squirtle" },
    ]);
    expect(await status(person.call("GET", `/networks/${NOBODY}/sensors`))).toBe(404);
    expect(await status(person.call("GET", `${foreign}/sensors`))).toBe(403);
    expect(await status(tenta.call("GET", `${network}/sensors`))).toBe(401);
  });

  it("are renamed", async () => {
    const rename = (path: string, sensor_name: string) => person.call("PUT", path, { sensor_name });
    expect(await rename(sensor, "ivysaur")).toMatchObject({
      status: 200,
      json: { sensor_identifier: sensor.split("/")[4] },
    });
    const { json } = await person.call("GET", `${network}/sensors`);
    expect(json.map((one: { sensor_name: string }) => one.sensor_name)).toEqual(["ivysaur", "squirtle"]);
    expect(await status(rename(sensor, "squirtle"))).toBe(409);
    expect(await status(rename(sensor, "ivysaur"))).toBe(200);
    expect(await status(rename(`${network}/sensors/${NOBODY}`, "x"))).toBe(404);
    expect(await status(rename(sensor, "bulbasaur"))).toBe(200);
  });
});

describe("tenta: configurations", () => {
  it("are numbered from 0, and say what became of them", async () => {
    const post = (path: string, value: unknown) => person.call("POST", `${path}/configurations`, value);
    expect(await post(sensor, { int: 7, nested: { list: [null, 1.5, {}] } })).toMatchObject({
      status: 201,
      json: { revision: 0 },
    });
    expect((await post(sensor, {})).json).toEqual({ revision: 1 });
    expect((await post(sensor, undefined)).json).toEqual({ revision: 2 });
    expect(await status(post(`${network}/sensors/${NOBODY}`, {}))).toBe(404);

    const list = async (query = "") => (await person.call("GET", `${sensor}/configurations${query}`)).json;
    const first = await list();
    expect(first).toMatchObject([
      { revision: 0, value: { int: 7, nested: { list: [null, 1.5, {}] } } },
      { revision: 1, value: {}, success: null, acknowledgment_timestamp: null },
      { revision: 2, value: {}, success: null, receipt_timestamp: null },
    ]);
    expect(first[0].creation_timestamp).toBeCloseTo(Date.now() / 1000, -2);
    expect(await list("?direction=next&revision=0")).toMatchObject([{ revision: 1 }, { revision: 2 }]);
    expect(await list("?direction=previous&revision=1.0")).toMatchObject([{ revision: 0 }]);
    expect(await list("?direction=previous&revision=99999999999")).toHaveLength(3);
    expect(await list("?direction=next&revision=99999999999")).toEqual([]);

    await until("all are published", async () =>
      (await list()).every((one: { publication_timestamp: unknown }) => one.publication_timestamp !== null),
    );
    await tenta.acknowledged(sensor, { revision: 0, success: true, occurredAt: now + 0.25 });
    await tenta.acknowledged(
      sensor,
      { revision: 1, success: false, occurredAt: now + 1 },
      { revision: 1, success: true, occurredAt: now + 2 },
    );
    await until("both are acknowledged", async () => (await list())[1].success !== null);
    expect(await list()).toMatchObject([
      { success: true, acknowledgment_timestamp: now + 0.25, acknowledgement_timestamp: now + 0.25 },
      { success: false, acknowledgment_timestamp: now + 1, receipt_timestamp: expect.any(Number) },
      { success: null, acknowledgment_timestamp: null, acknowledgement_timestamp: null },
    ]);
  });
});

describe("tenta: what sensors report", () => {
  it("is measurements, by time and revision", async () => {
    const at = { early: now - 2 * HOUR, middle: now - 1.5 * HOUR, late: now - HOUR };
    await tenta.measured(
      sensor,
      [at.late, 1, { temperature: 6000 }],
      [at.early, undefined, { temperature: 9000, humidity: -0.2 }],
      [at.middle, undefined, { temperature: 7500 }],
      [at.middle, 1, { temperature: 7500 }],
    );
    const list = async (query = "") => (await person.call("GET", `${sensor}/measurements${query}`)).json;
    await until("they are there", async () => (await list()).length === 4);
    const all = await list();
    expect(all[0]).toEqual({
      ...{ value: { temperature: 9000, humidity: -0.2 }, revision: null, creation_timestamp: at.early },
    });
    const times = (page: { creation_timestamp: number }[]) => page.map((one) => one.creation_timestamp);
    expect(times(all)).toEqual([at.early, at.middle, at.middle, at.late]);
    const middle = all.slice(1, 3).map((one: { revision: unknown }) => one.revision);
    expect(new Set(middle)).toEqual(new Set([null, 1]));
    expect(times(await list(`?direction=next&creation_timestamp=${at.early}`))).toEqual(times(all.slice(1)));
    expect(times(await list(`?direction=previous&creation_timestamp=${at.late}`))).toEqual(
      times(all.slice(0, 3)),
    );
    expect(times(await list("?direction=previous"))).toEqual(times(all));
    expect(await list("?creation_timestamp=inf")).toEqual([]);
    expect(times(await list("?creation_timestamp=-inf"))).toEqual(times(all));
    expect(await list("?direction=previous&creation_timestamp=-1e308")).toEqual([]);
    expect(times(await list("?direction=previous&creation_timestamp=inf"))).toEqual(times(all));

    expect(await list("?aggregate=true")).toEqual({
      temperature: [
        { bucket_timestamp: at.early, average: 8000 },
        { bucket_timestamp: at.late, average: 6000 },
      ],
      humidity: [{ bucket_timestamp: at.early, average: -0.2 }],
    });
    const overview = (await person.call("GET", network)).json;
    expect(overview).toMatchObject([{ sensor_name: "bulbasaur" }, { sensor_name: "squirtle" }]);
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    expect(overview.map((one: { measurement_counts: number[] }) => sum(one.measurement_counts))).toEqual([
      5, 0,
    ]);
    for (const begin of overview[0].bucket_timestamps) expect(begin % (4 * HOUR)).toBe(0);
  });

  it("is logs, of both generations", async () => {
    const at = [-2, -1.5, -1, -0.5, 0].map((hours) => now + hours * HOUR);
    const entry = (index: number, severity: string, message: string, more = {}) => ({
      ...{ occurredAt: at[index] as number, severity, message, ...more },
    });
    await tenta.logged(
      sensor,
      entry(0, "warning", "CPU Problem", { divided: true, details: "hot", revision: 1 }),
      entry(1, "info", "Started", { divided: true }),
      entry(2, "error", "The CPU is on fire", { revision: 2 }),
      entry(3, "warning", "CPU Problem", { divided: true, revision: 0 }),
      entry(4, "info", ""),
    );
    const list = async (query = "") => (await person.call("GET", `${sensor}/logs${query}`)).json;
    await until("they are there", async () => (await list()).length === 5);
    expect((await list()).slice(0, 3)).toEqual([
      {
        ...{ severity: "warning", message: "CPU Problem: hot", subject: "CPU Problem", details: "hot" },
        ...{ revision: 1, creation_timestamp: at[0] },
      },
      {
        ...{ severity: "info", message: "Started", subject: "Started", details: null },
        ...{ revision: null, creation_timestamp: at[1] },
      },
      {
        ...{ severity: "error", message: "The CPU is on fire", subject: "The CPU is on fire", details: null },
        ...{ revision: 2, creation_timestamp: at[2] },
      },
    ]);
    expect(await list(`?direction=next&creation_timestamp=${at[2]}`)).toHaveLength(2);
    expect(await list(`?direction=previous&creation_timestamp=${at[3]}`)).toHaveLength(3);

    expect((await person.call("GET", `${sensor}/logs/aggregates`)).json).toEqual([
      {
        ...{ severity: "error", subject: "The CPU is on fire", count: 1, min_revision: 2, max_revision: 2 },
        ...{ min_creation_timestamp: at[2], max_creation_timestamp: at[2] },
      },
      {
        ...{ severity: "warning", subject: "CPU Problem", count: 2, min_revision: 1, max_revision: 0 },
        ...{ min_creation_timestamp: at[0], max_creation_timestamp: at[3] },
      },
    ]);
  });

  it("may be the same twice, and of a sensor that nobody knows", async () => {
    const twice = await tenta.sensor(person, network, "twins");
    const unknown = `${network}/sensors/${NOBODY}`;
    const log = { occurredAt: now, severity: "info", message: "hello" };
    const ack = { revision: 0, success: true, occurredAt: now };
    await person.call("POST", `${twice}/configurations`, {});
    for (const path of [unknown, twice]) {
      await tenta.acknowledged(path, ack, ack);
      await tenta.measured(path, [now, undefined, { a: 1 }], [now, undefined, { a: 1 }]);
      await tenta.logged(path, log, log);
    }
    const get = async (what: string) => (await person.call("GET", `${twice}/${what}`)).json;
    await until("both entries are there", async () => (await get("logs")).length === 2);
    await until("it is acknowledged", async () => (await get("configurations"))[0].success === true);
    await until("it is measured", async () => (await get("measurements")).length === 1);
    expect(await status(person.call("GET", `${unknown}/logs`))).toBe(404);
    expect((await person.call("GET", `${twice}/latest`)).json).toEqual({
      last_seen_timestamp: expect.any(Number),
      values: { a: { value: 1, creation_timestamp: now } },
    });
  });
});
