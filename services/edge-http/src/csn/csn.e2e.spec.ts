import { InstallationKeys } from "@fieldlog/sealing";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { Browser } from "happy-dom";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes, dbl, doubles, fieldsOf, len, num } from "./hand.fixture.js";
import { type Answered, ask, reading, Station, upload } from "./station.fixture.js";
import { status } from "./world.fixture.js";

const INSTALLATION_KEY = Buffer.alloc(32, 7).toString("base64");
const ACCELEROMETER = len(2, num(2, 0));
const SUCCESS = len(1, num(1, 0));
/** A DataRecord (A5): every 20 ms, three axes. */
const RECORD = bytes(num(1, 20), ...[0, 1, 2].map((axis) => len(2, doubles(1, [axis, 0.25, -0.5]))));

let servers: TestServers;
let system: System;

beforeAll(async () => {
  servers = await startServers();
  system = await startSystem({
    inOneProcess: true,
    natsUrl: servers.nats.url,
    postgresUrl: await servers.databaseUrl("csn"),
    settings: { FIELDLOG_INSTALLATION_KEY: INSTALLATION_KEY },
  });
});
afterAll(async () => {
  await browser.close();
  await system?.stop();
  await servers?.stop();
});

const api = (namespace = "test") => `${system.url}/api/v1/${namespace}`;
const station = (...message: number[][]) =>
  Station.register(api(), ...(message.length > 0 ? message : [ACCELEROMETER]));
const hexOf = (...parts: number[][]) => Buffer.from(bytes(...parts)).toString("hex");

/** Of the native API, in the namespace; empty: of all of them. */
async function native(method: string, path: string, body?: object, namespace = "test") {
  const response = await fetch(`${system.url}/v1/namespaces${namespace && `/${namespace}`}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  // biome-ignore lint/suspicious/noExplicitAny: any JSON, held against literals
  return (text === "" ? {} : JSON.parse(text)) as any;
}

/** Sends heartbeats until the answer is as expected. */
async function heartbeatUntil(what: string, of: Station, is: (answer: Answered) => boolean) {
  return until(what, async () => {
    const answer = await of.heartbeat();
    return is(answer) && answer;
  });
}

const requested = ({ all }: Answered) =>
  all(2).map((one) =>
    Object.fromEntries(fieldsOf(one as Uint8Array).map(({ field, value }) => [field, value])),
  );

describe("data that somebody asks for", () => {
  it("is told to the station, offered, uploaded once, and downloaded by the original path", async () => {
    const own = await station();
    const stretch = { start: "2026-05-01T12:00:00.000Z", end: "2026-05-01T12:10:00.000Z" };
    const asked = await native("POST", "/requests", { device: own.id, sensor: "0", ...stretch });
    const told = await heartbeatUntil("it is told", own, (answer) => answer.all(2).length > 0);
    const number = BigInt(asked.number);
    const request = [
      ...[...num(1, 0), ...num(3, number)],
      ...[...len(4, "2026-05-01T12:00:00.000"), ...len(5, "2026-05-01T12:10:00.000")],
    ];
    expect(told.hex).toBe(hexOf(SUCCESS, len(2, request), num(3, number)));
    expect((await own.heartbeat()).all(2)).toEqual([]);

    const offers = [reading({ request: number }), reading({ request: number + 1n })].map((one) =>
      len(2, one),
    );
    const [url = "", unwanted] = (await own.send("data/offer", ...offers)).texts(2);
    expect(url).toMatch(new RegExp(`^${system.url}/uploads/[\\w-]+$`));
    expect(unwanted).toBe("");

    const last = url.at(-1) === "A" ? "B" : "A";
    const altered = await upload(url.slice(0, -1) + last, RECORD);
    expect([altered.http, altered.type]).toEqual([404, status.pathNotFound]);
    const taken = await upload(url, RECORD);
    const id = taken.all(2)[0] as bigint;
    expect([taken.http, taken.hex]).toEqual([200, hexOf(SUCCESS, num(2, id))]);
    const again = await upload(url, RECORD);
    expect([again.http, again.type, again.all(2)]).toEqual([409, status.invalidRequest, []]);

    const { token } = await native("POST", `/readings/${id}/tokens`, {});
    const path = `${system.url}/json/v1/test/data/reading/${id}`;
    const download = await fetch(`${path}?token=${token}`);
    expect(new Uint8Array(await download.arrayBuffer())).toEqual(RECORD);
    expect(download.headers.get("content-disposition")).toMatch(/filename="[^"]+"/);
    expect((await fetch(path)).status).toBeGreaterThanOrEqual(401);
    await until("it is an event", async () => {
      const { events } = await native("GET", `/events?type=ReadingUploaded&device=${own.id}`);
      return events.length === 1 && events[0].data.reading === Number(id);
    });
    await until("the request is fulfilled", async () => {
      return (await native("GET", `/requests/${asked.id}`)).state === "fulfilled";
    });
  });

  it("from now on is offered in heartbeats: a URL where it is wanted, in order", async () => {
    const own = await station(ACCELEROMETER, ACCELEROMETER);
    await native("POST", "/requests", { device: own.id, sensor: "1", current: true });
    const told = await heartbeatUntil("it is told", own, (answer) => answer.all(2).length > 0);
    expect(requested(told)).toMatchObject([{ 1: 1n, 2: 1n }]);
    const offers = [0, 1, 0].map((sensor) => len(9, reading({ sensor, current: true })));
    const urls = (await own.heartbeat(...offers)).texts(4);
    expect(urls).toEqual(["", expect.stringContaining("/uploads/"), ""]);
    expect((await upload(urls[1] ?? "", RECORD)).type).toBe(status.success);
  });

  it("is asked of who is near: by place", async () => {
    const at = (latitude: number) => [...dbl(1, latitude), ...dbl(2, -118.1)];
    const [near, far] = [
      await station(len(1, at(34.1)), ACCELEROMETER),
      await station(len(1, at(35.1)), ACCELEROMETER),
    ];
    const points = [{ latitude: 34.11, longitude: -118.1 }];
    await native("POST", "/requests", { points, withinM: 5_000, current: true });
    const told = await heartbeatUntil("it is told", near, (answer) => answer.all(2).length > 0);
    expect(requested(told)).toMatchObject([{ 8: 5_000n }]);
    expect((await far.heartbeat()).all(2)).toEqual([]);
  });

  it("that comes late or is too large is refused, and the URL of a small one stays good", async () => {
    const own = await station();
    await native("POST", "/requests", { device: own.id, current: true });
    await heartbeatUntil("it is told", own, (answer) => answer.all(2).length > 0);
    await native("PATCH", "/settings", { uploadBytes: 1_000 });
    const offered = async () =>
      (await own.send("data/offer", len(2, reading({ current: true })))).texts(2)[0] ?? "";
    const small = await until("the limit holds", async () => {
      const large = await upload(await offered(), new Uint8Array(1_001));
      return large.http === 413 && [large.type, await offered()];
    });
    await native("PATCH", "/settings", { uploadBytes: null });
    expect(small[0]).toBe(status.invalidRequest);
    const url = String(small[1]);
    const late = await upload(`${system.url}/uploads/${expired(url.split("/").at(-1) ?? "")}`, RECORD);
    expect([late.http, late.type]).toEqual([410, status.invalidRequest]);
    expect((await upload(url, RECORD)).type).toBe(status.success);
  });
});

/** The same capability, as if it had been issued for a time that is over. */
function expired(token: string): string {
  const capabilities = new InstallationKeys(INSTALLATION_KEY).capabilities("upload");
  const capability = capabilities.open(token);
  if (capability === undefined) throw new Error("no capability");
  return capabilities.issue({ ...capability, expiresAt: Date.now() - 1 });
}

const browser = new Browser({
  settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true },
});
type Page = ReturnType<typeof browser.newPage>;
const newPage = () => browser.newPage();
/** What the page has there; happy-dom's types are not the DOM's. */
const element = (page: Page, selector: string): unknown => page.mainFrame.document.querySelector(selector);
const field = (page: Page, name: string) => element(page, `[name="${name}"]`) as { value: string };
const said = (page: Page) => (element(page, "#status") as { textContent: string } | null)?.textContent ?? "";

describe("metadata", () => {
  const NEWS = hexOf(SUCCESS, num(3, 0), num(5, 1));
  const NONE = hexOf(SUCCESS, num(3, 0));

  it("that a user changes are news to the station until it has asked for them", async () => {
    const own = await station();
    expect((await own.heartbeat()).hex).toBe(NONE);
    await native("PATCH", `/devices/${own.id}`, { name: "cellar", properties: { depth: 3.5, old: null } });
    await heartbeatUntil("it is told", own, ({ hex }) => hex === NEWS);
    expect((await own.heartbeat()).hex).toBe(NEWS);
    const data = [...len(4, "cellar"), ...len(15, [...len(1, "depth"), ...dbl(3, 3.5)])];
    expect((await own.send("client/metadata")).hex).toBe(hexOf(SUCCESS, len(2, data)));
    expect((await own.heartbeat()).hex).toBe(NONE);
    await own.send("client/update", len(2, len(6, "-1")));
    expect((await own.heartbeat()).hex).toBe(NONE);
  });

  it("are edited on the page whose address the station is given", async () => {
    const label = [...len(1, "label"), ...len(2, "old")];
    const own = await station(len(1, [...len(4, "roof"), ...len(15, label)]), ACCELEROMETER);
    const answer = await own.send("client/edit-token");
    const [url = "", token = ""] = [answer.texts(2)[0], answer.texts(3)[0]];
    expect(answer.hex).toBe(hexOf(SUCCESS, len(2, url), len(3, token)));
    expect(url).toBe(`${system.url}/edit#/clients/test/${own.id}?token=${token}`);

    const page = newPage();
    await page.goto(url);
    await until("the page shows the device", () => field(page, "name").value === "roof");
    expect(field(page, "value").value).toBe('"old"');
    field(page, "name").value = "cellar";
    field(page, "latitude").value = "48.1";
    field(page, "longitude").value = "11.5";
    field(page, "value").value = '"new"';
    (element(page, "#save") as { click(): void }).click();
    await until("it is saved", () => said(page).startsWith("Saved."));

    await page.goto("about:blank");
    await page.goto(`${url}A`);
    await until("another token is refused", () => said(page).startsWith("This link is not good"));

    await heartbeatUntil("the station is told", own, ({ hex }) => hex === NEWS);
    const told = [
      ...[...dbl(1, 48.1), ...dbl(2, 11.5), ...len(4, "cellar")],
      ...len(15, [...len(1, "label"), ...len(2, "new")]),
    ];
    expect((await own.send("client/metadata")).hex).toBe(hexOf(SUCCESS, len(2, told)));
    expect((await native("GET", `/devices/${own.id}`)).metadata).toEqual({
      ...{ name: "cellar", latitude: 48.1, longitude: 11.5, properties: { label: "new" } },
    });
  });

  it("the page may load its own files and talk to its own door, nothing else", async () => {
    for (const [path, type] of [
      ["/edit", "text/html; charset=utf-8"],
      ["/edit/edit.js", "text/javascript; charset=utf-8"],
      ["/edit/edit.css", "text/css; charset=utf-8"],
    ]) {
      const { status, headers } = await fetch(`${system.url}${path}`);
      expect([status, headers.get("content-type")]).toEqual([200, type]);
      expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'self';/);
      expect(headers.get("content-security-policy")).not.toContain("unsafe");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    }
  });

  it("every field can be updated, and key-values set, asked for and unset", async () => {
    const own = await station([]);
    const pair = (key: string, ...value: number[]) => len(15, [...len(1, key), ...value]);
    const data = [
      ...[...dbl(1, -33.5), ...dbl(2, 151), ...num(3, 2), ...len(4, "n"), ...len(5, "d"), ...len(6, "f")],
      ...[...len(7, "b"), ...num(8, 4), ...len(9, "s"), ...len(10, "o"), ...len(14, "u")],
    ];
    const pairs = [pair("a", ...len(2, "x")), pair("b", ...num(4, 7)), pair("c", ...num(5, 1))];
    const update = len(2, [...data, ...pairs.flat(), ...len(128, "l")]);
    expect((await own.send("client/update", update)).type).toBe(status.success);
    const whole = len(2, [...data, ...pairs.flat(), ...len(128, "l")]);
    expect((await own.send("client/metadata")).hex).toBe(hexOf(SUCCESS, whole));
    const values = await own.send("client/get-keyvalue", len(2, "c"), len(2, "a"));
    const value = (key: string, ...more: number[]) => len(2, [...len(1, key), ...more]);
    expect(values.hex).toBe(hexOf(SUCCESS, value("c", ...num(5, 1)), value("a", ...len(2, "x"))));

    const unset = len(2, [...pair("a", ...num(15, 1)), ...pair("b", ...dbl(3, 0.5))]);
    expect((await own.send("client/update", unset)).type).toBe(status.success);
    const gone = await own.send("client/get-keyvalue", len(2, "b"), len(2, "a"));
    expect([gone.http, gone.type, gone.message]).toEqual([
      400,
      status.invalidRequest,
      'Key "a" does not exist.',
    ]);
    expect((await own.send("client/get-keyvalue", len(2, "b"))).hex).toBe(
      hexOf(SUCCESS, value("b", ...dbl(3, 0.5))),
    );
    const same = await own.send("client/update", unset);
    expect(same.message).toMatch(/^No changes to client requested/);
  });
});

describe("sensors", () => {
  it("are added with a type that stays, changed in all else, and removed by a mark", async () => {
    const sensor = (id: number, ...more: number[]) => [...num(1, id), ...more];
    const details = [
      ...[...len(3, "m"), ...len(4, "s"), ...num(5, 1), ...len(6, "g"), ...num(7, 500), ...num(8, 10)],
    ];
    const own = await station(ACCELEROMETER);
    const added = await own.send("client/update", len(3, num(2, 2)), len(3, [...num(2, 64), ...details]));
    expect(added.hex).toBe(hexOf(SUCCESS, num(2, 1), num(2, 2)));
    const untyped = await own.send("client/update", len(3, len(3, "m")));
    expect(untyped.message).toBe("Missing required field: sensor_type");
    const retyped = await own.send("client/update", len(4, sensor(1, ...num(2, 3))));
    expect([retyped.http, retyped.type]).toEqual([400, status.invalidRequest]);
    expect((await own.send("client/update", len(4, sensor(1, ...details)))).type).toBe(status.success);
    const unknown = await own.send("client/update", len(4, sensor(9, ...details)));
    expect(unknown.type).toBe(status.unknownSensor);
    const unnamed = await own.send("client/update", len(4, details));
    expect(unnamed.message).toBe("Missing required field: sensor_id");

    expect((await own.send("client/update", len(5, [0]))).type).toBe(status.success);
    expect((await own.pick(0)).type).toBe(status.unknownSensor);
    expect((await own.send("client/update", len(4, sensor(0, ...details)))).type).toBe(status.unknownSensor);
    const listed = await own.send("client/metadata", num(2, 1));
    const stored = (id: number, type: number) => len(3, sensor(id, ...num(2, type), ...details));
    expect(listed.hex).toBe(hexOf(SUCCESS, len(2, []), stored(1, 2), stored(2, 64)));
    expect((await own.send("client/update", len(3, num(2, 0)))).hex).toBe(hexOf(SUCCESS, num(2, 3)));
    const { sensors } = await native("GET", `/devices/${own.id}`);
    expect(sensors.map(({ id, removed }: { id: string; removed: boolean }) => [id, removed])).toEqual([
      ["0", true],
      ["1", false],
      ["2", false],
      ["3", false],
    ]);
    expect((await own.heartbeat(num(6, 1), num(7, 0))).type).toBe(status.success);
  });
});

describe("queries", () => {
  const query = (kind: string, ...message: number[][]) => ask(`${api()}/query/${kind}`, bytes(...message));

  it("find a client by name, UUID and legacy id, and never give its secret", async () => {
    const data = [...len(4, "Vault"), ...len(14, "uuid-1"), ...len(128, "4711")];
    const own = await station(len(1, data), len(2, [...num(2, 0), ...len(3, "m")]), len(2, num(2, 2)));
    const id = BigInt(own.id);
    const name = async (text: string) => (await query("name-available", len(1, text))).hex;
    expect(await name("Vault")).toBe(hexOf(SUCCESS, len(2, "Vault"), num(3, 0)));
    expect(await name("vault")).toBe(hexOf(SUCCESS, len(2, "vault"), num(3, 1)));
    await own.send("client/update", len(5, [1]));
    expect((await query("existing-uuid", len(1, "uuid-1"))).hex).toBe(
      hexOf(SUCCESS, num(2, 1), num(3, id), len(5, [...num(1, 0), ...num(2, 0), ...len(3, "m")])),
    );
    expect((await query("existing-uuid", len(1, "uuid-2"))).hex).toBe(hexOf(SUCCESS, num(2, 0)));
    for (const by of [len(1, "4711"), num(2, 4711)]) {
      expect((await query("client-from-legacy-id", by)).hex).toBe(hexOf(SUCCESS, num(2, id)));
    }
    const nobody = await query("client-from-legacy-id", len(1, "4712"));
    expect([nobody.http, nobody.type]).toEqual([400, status.unknownClient]);
    expect((await ask(`${api("default")}/query/existing-uuid`, bytes(len(1, "uuid-1")))).all(2)).toEqual([
      0n,
    ]);
    expect((await ask(`${api("nowhere")}/query/name-available`, bytes(len(1, "x")))).type).toBe(
      status.invalidRequest,
    );
  });

  it("tell of recent events, with the cells that they are in and their bounds", async () => {
    const own = await station(ACCELEROMETER, len(2, num(2, 0)));
    const before = (await query("recent-events")).all(2)[0] as bigint;
    for (let i = 0; i < 3; i++) expect((await own.pick(i % 2)).type).toBe(status.success);
    const all = await query("recent-events", num(4, before), num(15, 1));
    const events = all.all(3).map((one) => fieldsOf(one as Uint8Array));
    expect(events).toHaveLength(3);
    expect(events[0]?.map(({ field }) => field)).toEqual([1, 2, 2, 2, 3, 4]);
    const cell = Buffer.from(events[0]?.at(-1)?.value as Uint8Array).toString();
    expect(cell).toMatch(/^01[01]{22}$/); // west of Greenwich, north of the equator
    expect(all.texts(14)).toEqual([cell]);
    const [west, east, north, south] = fieldsOf(all.all(15)[0] as Uint8Array).map(({ value }) =>
      Buffer.from(value as Uint8Array).readDoubleLE(),
    ) as [number, number, number, number];
    expect([west <= -118.1256 && -118.1256 < east, south <= 34.1382 && 34.1382 < north]).toEqual([
      true,
      true,
    ]);
    const newest = await query("recent-events", num(1, 1));
    expect(newest.all(2)).toEqual(all.all(2));
    expect(newest.all(14)).toEqual([]);
    const after = await query("recent-events", num(1, 2), num(4, before));
    expect(after.all(3)).toHaveLength(2);
    const rest = await query("recent-events", num(4, after.all(2)[0] as bigint));
    expect([rest.all(3).length, rest.all(2)]).toEqual([1, all.all(2)]);
    expect((await query("recent-events", num(4, before), num(2, 2))).all(3)).toEqual([]);
    const none = await query("recent-events", num(4, all.all(2)[0] as bigint));
    expect(none.hex).toBe(hexOf(SUCCESS, num(2, all.all(2)[0] as bigint)));
  });
});

it("what nobody signs finds no namespace but those that are open to CSN; what clients sign is taken all the same", async () => {
  const { id } = await native("POST", "", { name: "shut" }, "");
  const open = (openToCsn: boolean) => native("PATCH", "/settings", { openToCsn }, id);
  const unsigned = {
    "client/create": bytes(ACCELEROMETER),
    "query/name-available": bytes(len(1, "x")),
    "query/existing-uuid": bytes(len(1, "x")),
    "query/client-from-legacy-id": bytes(len(1, "x")),
    "query/recent-events": bytes(),
  };
  const areRefused = async () => {
    for (const [path, message] of Object.entries(unsigned)) {
      const shut = await ask(`${api("shut")}/${path}`, message);
      const nowhere = await ask(`${api("nope")}/${path}`, message);
      expect([shut.http, shut.type]).toEqual([400, status.invalidRequest]);
      expect([shut.http, shut.message.replace("shut", "nope")]).toEqual([nowhere.http, nowhere.message]);
    }
  };
  await areRefused();
  await open(true);
  const own = await Station.register(api("shut"), ACCELEROMETER);
  expect((await ask(`${api("shut")}/query/recent-events`, bytes())).type).toBe(status.success);
  await open(false);
  await areRefused();
  expect((await own.pick()).type).toBe(status.success);
  const { devices } = await native("GET", "/devices", undefined, id);
  expect(devices).toHaveLength(1);
});

it("names are one client's where the namespace wants that, and anybody's elsewhere", async () => {
  await native("PATCH", "/settings", { uniqueDeviceNames: true }, "default");
  const named = (name: string) => len(1, len(4, name));
  const register = (name: string) => ask(`${api("default")}/client/create`, bytes(named(name)));
  const first = await Station.register(api("default"), named("Dach"));
  await until("the setting holds", async () => {
    const refused = await register("Dach");
    if (refused.type === status.success) return false;
    expect([refused.http, refused.type]).toEqual([400, status.nameUnavailable]);
    return true;
  });
  const other = await Station.register(api("default"), named("Hof"));
  const taken = await other.send("client/update", len(2, len(4, "Dach")));
  expect([taken.http, taken.type, taken.all(2)]).toEqual([400, status.nameUnavailable, []]);
  expect((await first.send("client/update", len(2, len(4, "Keller")))).type).toBe(status.success);
  expect((await other.send("client/update", len(2, len(4, "Dach")))).type).toBe(status.success);
  for (const _ of [1, 2]) expect((await station(named("Dach"))).id).toMatch(/^\d{16}$/);
});
