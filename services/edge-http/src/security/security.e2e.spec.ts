import { randomBytes } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDir } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Native } from "../native/native.fixture.js";
import { owns, type Sides } from "./attacks.fixture.js";
import { mistreats } from "./hostile.fixture.js";
import { exampleOf, examples, tries } from "./judge.fixture.js";
import { overhears } from "./listeners.fixture.js";
import { build, operationsOf, send } from "./request.fixture.js";
import { triesSockets } from "./sockets.fixture.js";
import { changedSince, standOf } from "./stand.fixture.js";
import { tenant } from "./tenant.fixture.js";
import {
  devicesOf,
  FORGED,
  hear,
  keyOf,
  type Listener,
  reach,
  says,
  wronglyLetIn,
} from "./topics.fixture.js";

const NOTHING = { signals: undefined, registry: undefined, tables: [] };
const installation = {
  internalToken: randomBytes(32).toString("base64url"),
  installationKey: randomBytes(32).toString("base64"),
};
const lines: string[] = [];
/** What was handed out on the way, besides the tenants' secrets. */
const handedOut = new Set<string>();

let native: Native;
let dataDir: string;
let sides: Sides;

beforeAll(async () => {
  dataDir = await temporaryDir();
  native = await Native.start({
    log: (_process, line) => lines.push(line),
    settings: {
      FIELDLOG_DATA_DIR: dataDir,
      FIELDLOG_LOG_LEVEL: "debug",
      FIELDLOG_INTERNAL_TOKEN: installation.internalToken,
      FIELDLOG_INSTALLATION_KEY: installation.installationKey,
    },
  });
  sides = { attacker: await tenant(native, "attacker"), victim: await tenant(native, "victim") };
});
afterAll(async () => {
  await native?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Who is connected, until the test is over. */
const leaving: Listener[] = [];
afterEach(async () => {
  for (const { client } of leaving.splice(0)) await client.endAsync(true);
});

/** What may be called without anything: a new one belongs here, or must ask who calls. */
const OPEN_TO_ALL = [
  ...["openapi", "healthz", "readyz", "tenta-status", "upload-options"],
  ...["edit-page-index.html", "edit-page-edit.js", "edit-page-edit.css"],
  // Here people and devices begin.
  ...["tenta-createUser", "tenta-logIn", "cred-logIn", "csn-client-create"],
  // What CSN tells to whoever asks where the namespace is open to it, without what is secret.
  ...["csn-query-name-available", "csn-query-existing-uuid"],
  ...["csn-query-client-from-legacy-id", "csn-query-recent-events"],
];

describe("what belongs to one namespace", { retry: 0 }, () => {
  it("is open to all only where that is meant", () => {
    const operations = operationsOf(native);
    const open = operations.filter(({ by }) => by.length === 0).map(({ id }) => id);
    expect(open.toSorted()).toEqual(OPEN_TO_ALL.toSorted());
    const ids = new Set(operations.map(({ id }) => id));
    expect(Object.keys(examples).filter((id) => !ids.has(id))).toEqual([]);
  });

  it("is refused to everybody else by every operation that is described, and stays as it was", async () => {
    const { id } = sides.victim.place;
    const stand = await standOf(native, id);
    const wrong: string[] = [];
    for (const operation of operationsOf(native)) wrong.push(...(await tries(native, operation, sides)));
    expect(wrong).toEqual([]);
    expect(await changedSince(native, id, stand)).toEqual(NOTHING);
  });

  it("is heard and said by nobody else over WebSocket", async () => {
    const { id } = sides.victim.place;
    const stand = await standOf(native, id);
    expect(await triesSockets(native, sides)).toEqual([]);
    expect(await changedSince(native, id, stand)).toEqual(NOTHING);
    expect(await overhears(native, sides)).toEqual([]);
  });

  it("is heard and said by nobody else over MQTT", async () => {
    const { attacker, victim } = sides;
    const { mqttUrl } = native.system;
    await says(mqttUrl, victim);
    const stand = await standOf(native, victim.place.id);
    expect(await wronglyLetIn(mqttUrl, sides)).toEqual([]);
    const key = await keyOf(mqttUrl, attacker, "admin", victim);
    const listeners = [key, ...(await devicesOf(mqttUrl, attacker))];
    leaving.push(...listeners);
    const wrong: string[] = [];
    for (const listener of listeners) {
      const may = listener === key;
      wrong.push(...(await reach(listener, victim.things, { mayPublish: may, maySubscribe: may })));
    }
    expect(wrong).toEqual([]);
    expect(await changedSince(native, victim.place.id, stand)).toEqual(NOTHING);
    await says(mqttUrl, victim);
    await attacker.place.operate("/events", { name: "last" });
    await hear(listeners, "/last");
    const heard = listeners.flatMap(({ got }) => got);
    expect(heard.filter((message) => message.includes(victim.canary))).toEqual([]);
  });

  it("bears whatever stands in the paths and bodies of another", async () => {
    const { attacker, victim } = sides;
    const stand = await standOf(native, victim.place.id);
    const wrong: string[] = [];
    for (const operation of operationsOf(native)) {
      if (operation.by.length > 0) wrong.push(...(await mistreats(native, operation, attacker)));
    }
    expect(wrong).toEqual([]);
    expect(await changedSince(native, victim.place.id, stand)).toEqual(NOTHING);
    const parked = await ownerAsks("/v1/dead-letters");
    expect(parked.text).toBe('{"deadLetters":[]}');
  });

  it("is kept from its own devices and keys that may not", async () => {
    const { victim } = sides;
    const { mqttUrl } = native.system;
    const reader = await keyOf(mqttUrl, victim, "read", victim);
    const [device, hut] = await devicesOf(mqttUrl, victim);
    leaving.push(reader, device, hut);
    const wrong = await reach(reader, victim.things, { mayPublish: false, maySubscribe: true });
    wrong.push(...(await reach(device, victim.things, { mayPublish: false, maySubscribe: false })));
    expect(wrong).toEqual([]);
    for (const list of ["messages", "events"]) {
      const { text } = await ownerAsks(`${victim.place.path}/${list}?limit=1000`);
      expect(text).not.toContain(FORGED);
    }
  });

  it("is its owner's, by every operation", async () => {
    const operations = operationsOf(native).filter(({ by }) => by.length > 0);
    const wrong: string[] = [];
    const last = ({ last = 0 } = {}) => last;
    const inTurn = operations.toSorted((one, other) => last(exampleOf(one)) - last(exampleOf(other)));
    for (const operation of inTurn) {
      const example = exampleOf(operation);
      const { shown, things } = owns(operation, example, sides.victim, native.system.adminKey);
      const answered = await send(native, build(operation, example, things, shown));
      collect(answered.data.toString());
      const isRight = answered.status < 300 || example.owner?.includes(answered.status);
      const told = `${answered.status} ${answered.data.toString().slice(0, 200)}`;
      if (!isRight) wrong.push(`${operation.id}: ${told}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe("a secret", { retry: 0 }, () => {
  it("is in no line that was logged, at any level", async () => {
    const { attacker, victim } = sides;
    const named = { ...installation, adminKey: native.system.adminKey };
    const known = [attacker.secrets, victim.secrets, named].flatMap((all) => Object.values(all));
    const secrets = [...known, ...handedOut].flatMap((secret) => [
      secret,
      /sig=([^&;]+)/.exec(secret)?.[1] ?? secret,
    ]);
    expect(secrets.length).toBeGreaterThan(100);
    const log = await logOf(dataDir);
    expect(log.split("\n").length).toBeGreaterThan(50);
    const told = secrets.filter((secret) => log.includes(secret) || log.includes(encodeURIComponent(secret)));
    expect(told).toEqual([]);
  });
});

/** What was logged, by one process with all services into files, by each alone to its output; and what is shown. */
async function logOf(folder: string): Promise<string> {
  const logs = join(folder, "logs");
  const names = await readdir(logs).catch(() => []);
  const files = await Promise.all(names.map((name) => readFile(join(logs, name), "utf8")));
  return [...files, shown()].join("\n");
}

/** What the processes wrote to their output; the first start of all in one shows the admin key there, once. */
function shown(): string {
  return lines.filter((line) => !line.startsWith("  Admin key  ")).join("\n");
}

const SECRET =
  /"(?:key|secret|token|sessionKey|access_token|\w+Token|connectionString|sasToken|sensor_secret)":"([^"]{16,})"/g;

function collect(text: string): void {
  for (const [, secret = ""] of text.matchAll(SECRET)) handedOut.add(secret);
}

async function ownerAsks(path: string): Promise<{ text: string }> {
  const { operator } = sides.victim.place;
  const response = await fetch(`${native.system.url}${path}`, { headers: operator });
  expect(response.status).toBe(200);
  return { text: await response.text() };
}
