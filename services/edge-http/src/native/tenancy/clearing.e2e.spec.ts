import { positionOf, SIGNALS, sequenceOf, signalsSubject } from "@fieldlog/contracts";
import { clearedBy, connectLog, type EventLog } from "@fieldlog/event-log";
import { openReadDatabase, type ReadDatabase } from "@fieldlog/read-model";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bytes, dateOf, fieldsOf, len, num, pick, statusOf } from "../../csn/hand.fixture.js";

// Two namespaces under traffic by CSN, MQTT and subscribers; one is cleared, again and again.
const CLEARED = "test";
const KEPT = "default";

let servers: TestServers;
let system: System;
let log: EventLog;
let database: ReadDatabase<unknown>;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("clearing");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, apart: { auth: 1 } });
  log = await connectLog({ url: servers.nats.url, name: "clearing test" });
  database = openReadDatabase({ url: postgresUrl, schema: "projections" });
});
afterAll(async () => {
  await database?.close();
  await log?.close();
  await system?.stop();
  await servers?.stop();
});

type Json = Record<string, unknown>;

async function call(method: string, path: string, body?: object): Promise<{ status: number; json: Json }> {
  const response = await fetch(`${system.url}/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body ? { "content-type": "application/json" } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return { status: response.status, json: text === "" ? {} : (JSON.parse(text) as Json) };
}

const ok = async (method: string, path: string, body?: object) => {
  const { status, json } = await call(method, path, body);
  expect(status, `${method} ${path}: ${JSON.stringify(json)}`).toBeLessThan(300);
  return json;
};

async function csn(ns: string, path: string, body: Uint8Array) {
  const response = await fetch(`${system.url}/api/v1/${ns}/${path}`, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
  });
  const answer = new Uint8Array(await response.arrayBuffer());
  const taken = response.status === 200 && statusOf(answer).type === 0;
  return {
    taken,
    fields: taken ? fieldsOf(answer) : [],
    position: Number(response.headers.get("fieldlog-position")),
  };
}

/** A CSN device that reports for ever; where it is not known any more it registers anew. */
async function station(ns: string, acknowledged: number[], running: () => boolean): Promise<void> {
  let known: { id: string; secret: string } | undefined;
  let sent = 0;
  while (running()) {
    if (known === undefined) {
      const { taken, fields } = await csn(
        ns,
        "client/create",
        bytes(len(1, len(4, "roof")), len(2, num(2, 0))),
      );
      if (!taken) continue;
      const secret = Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString();
      known = { id: String(fields.find(({ field }) => field === 2)?.value), secret };
    }
    const signing = { id: sent++, secret: known.secret, date: dateOf(Date.now()) };
    const { taken, position } = await csn(ns, `event/${known.id}`, pick(signing)).catch(() => {
      return { taken: false, position: 0 };
    });
    if (taken) acknowledged.push(position);
    else known = undefined;
  }
}

/** An MQTT device that publishes for ever; one that was logged out is made anew. */
async function board(ns: string, acknowledged: string[], running: () => boolean): Promise<void> {
  for (let made = 0; running(); made++) {
    const device = await call("POST", `namespaces/${ns}/devices`, { name: `board-${made}` }).catch(
      () => undefined,
    );
    if (device?.status !== 201) continue;
    const id = String(device.json["id"]);
    const options = { username: id, password: String(device.json["secret"]), reconnectPeriod: 0 };
    const client = await connectAsync(system.mqttUrl, options).catch(() => undefined);
    if (client === undefined) continue;
    client.on("error", () => undefined);
    let ended = false;
    const closed = new Promise<void>((resolve) =>
      client.once("close", () => {
        ended = true;
        resolve();
      }),
    );
    for (let i = 0; running() && !ended; i++) {
      const text = `${id} ${i}`;
      const done = client.publishAsync(`${id}/said`, text, { qos: 1 }).then(
        () => acknowledged.push(text),
        () => undefined,
      );
      await Promise.race([done, closed]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await client.endAsync(true);
  }
}

/** Traffic on both namespaces until it is stopped: what was acknowledged of each. */
function traffic() {
  let running = true;
  const is = () => running;
  const picks: Record<string, number[]> = { [CLEARED]: [], [KEPT]: [] };
  const said: Record<string, string[]> = { [CLEARED]: [], [KEPT]: [] };
  const all = [CLEARED, KEPT].flatMap((ns) => [
    station(ns, picks[ns] as number[], is),
    board(ns, said[ns] as string[], is),
  ]);
  const stop = async () => {
    running = false;
    await Promise.all(all);
  };
  return { picks, said, stop };
}

async function all<T>(path: string, key: string): Promise<T[]> {
  const found: T[] = [];
  for (let after: unknown = 0; after !== null; ) {
    const json = await ok("GET", `${path}${path.includes("?") ? "&" : "?"}limit=1000&after=${String(after)}`);
    found.push(...(json[key] as T[]));
    after = (json[key] as T[]).length === 0 ? null : json["next"];
  }
  return found;
}

const positionsOf = async (ns: string) =>
  (await all<{ position: number }>(`namespaces/${ns}/events?type=pick`, "events")).map(
    ({ position }) => position,
  );

/** Every sequence of the namespace in SIGNALS, and the newest that clears. */
async function logOf(ns: string) {
  const end = await log.lastSequence(SIGNALS);
  const sequences: number[] = [];
  let mark = 0;
  for await (const commits of log.read(SIGNALS, { after: 0, subject: signalsSubject(ns), until: end })) {
    for (const commit of commits) {
      sequences.push(commit.sequence);
      if (clearedBy(commit)) mark = commit.sequence;
    }
  }
  return { sequences, mark };
}

async function digests(): Promise<Record<string, string>> {
  const { rows } = await database.pool.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'projections'::regnamespace
        AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname NOT IN ('read_models', 'requests', 'dead_letters', 'migrations')`,
  );
  const found: Record<string, string> = {};
  for (const { name } of rows) {
    const query = `SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS digest
      FROM projections."${name}" t`;
    found[name] = (await database.pool.query<{ digest: string }>(query)).rows[0]?.digest ?? "";
  }
  return found;
}

interface Model {
  name: string;
  state: string;
  sequence: number;
  logSequence: number;
}

async function caughtUp(): Promise<void> {
  await until("every read model is at the log's end", async () => {
    const { readModels } = await ok("GET", "read-models");
    return (readModels as Model[]).every((one) => one.state === "live" && one.sequence >= one.logSequence);
  });
}

/** That the cleared namespace has nothing of before the newest mark, and the other one all that it ever had. */
async function checkBoth(done: ReturnType<typeof traffic>, before: readonly number[]): Promise<void> {
  await caughtUp();
  const cleared = await logOf(CLEARED);
  expect(cleared.mark).toBeGreaterThan(0);
  expect(cleared.sequences[0]).toBe(cleared.mark);
  const later = (done.picks[CLEARED] ?? []).filter((position) => sequenceOf(position) > cleared.mark);
  const left = await positionsOf(CLEARED);
  expect(left.filter((position) => position < positionOf(cleared.mark, 0))).toEqual([]);
  expect(left).toEqual(expect.arrayContaining(later));

  const kept = await logOf(KEPT);
  expect(kept.mark).toBe(0);
  expect(kept.sequences).toEqual(expect.arrayContaining([...before]));
  const picks = await positionsOf(KEPT);
  expect(picks).toEqual(expect.arrayContaining(done.picks[KEPT] ?? []));
  const messages = await all<{ payload: string }>(`namespaces/${KEPT}/messages`, "messages");
  expect(messages.map(({ payload }) => payload)).toEqual(expect.arrayContaining(done.said[KEPT] ?? []));
}

describe("a namespace that is cleared under traffic", () => {
  const kept: number[] = [];
  let subscription = "";

  beforeAll(async () => {
    const wanted = { name: "picks", filters: [{ names: ["pick"] }], delivery: "poll" };
    subscription = String((await ok("POST", `namespaces/${KEPT}/subscriptions`, wanted))["id"]);
    await ok("POST", `namespaces/${CLEARED}/subscriptions`, wanted);
  });

  it("is empty but for what came after, and the other one has all that it ever had", async () => {
    const going = traffic();
    await until("there is traffic", () =>
      [CLEARED, KEPT].every(
        (ns) => (going.picks[ns]?.length ?? 0) > 20 && (going.said[ns]?.length ?? 0) > 20,
      ),
    );
    const { sequences } = await logOf(KEPT);
    await ok("POST", `namespaces/${CLEARED}/clear`);
    const cleared = (going.picks[CLEARED] ?? []).length;
    const told = (going.said[CLEARED] ?? []).length;
    await until(
      "it is used again",
      () =>
        (going.picks[CLEARED]?.length ?? 0) > cleared + 10 && (going.said[CLEARED]?.length ?? 0) > told + 10,
    );
    await going.stop();
    await checkBoth(going, sequences);
    expect((await ok("GET", `namespaces/${CLEARED}/subscriptions`))["subscriptions"]).toEqual([]);
    kept.push(...(going.picks[KEPT] ?? []));
  });

  it("is so too when auth is killed in the middle, once it is asked for again", async () => {
    const going = traffic();
    await until("there is traffic", () => [CLEARED, KEPT].every((ns) => (going.picks[ns]?.length ?? 0) > 20));
    const { sequences } = await logOf(KEPT);
    for (const ms of [3, 10]) {
      const asked = call("POST", `namespaces/${CLEARED}/clear`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      await system.processes["auth"]?.kill();
      await asked;
      await system.processes["auth"]?.start();
    }
    await until(
      "it is asked for again",
      async () => (await call("POST", `namespaces/${CLEARED}/clear`)).status === 200,
    );
    const cleared = (going.picks[CLEARED] ?? []).length;
    await until("it is used again", () => (going.picks[CLEARED]?.length ?? 0) > cleared + 10);
    await going.stop();
    await checkBoth(going, sequences);
    kept.push(...(going.picks[KEPT] ?? []));
  });

  it("has cost the other one's subscriber nothing", async () => {
    const got: number[] = [];
    for (let after = ""; ; ) {
      const path = `namespaces/${KEPT}/subscriptions/${subscription}/events?limit=100${after}`;
      const events = (await ok("GET", path))["events"] as { position: number }[];
      got.push(...events.map(({ position }) => position));
      if (events.length === 0) break;
      after = `&after=${got.at(-1)}`;
    }
    expect(new Set(got).size).toBe(got.length);
    expect(got).toEqual(expect.arrayContaining(kept));
  });

  it("leaves tables that give the same when they are built anew, as does an erased device", async () => {
    const { json } = await call("POST", `namespaces/${KEPT}/devices`, { name: "erased" });
    const devices = (await ok("GET", `namespaces/${KEPT}/devices?limit=1000`))["devices"] as { id: string }[];
    const [first] = devices.filter(({ id }) => /^\d+$/.test(id));
    for (const id of [String(json["id"]), first?.id ?? ""]) {
      expect((await call("POST", `namespaces/${KEPT}/devices/${id}/erase`)).status).toBe(204);
    }
    // Who erased it sees so at once.
    expect((await ok("GET", `namespaces/${KEPT}/events?device=${first?.id}`))["events"]).toEqual([]);
    expect((await call("GET", `namespaces/${KEPT}/devices/${first?.id}`)).status).toBe(404);
    await caughtUp();
    const before = await digests();
    const { readModels } = await ok("GET", "read-models");
    for (const { name } of readModels as Model[]) {
      await ok("POST", `read-models/${name}/rebuild`);
      await until("built anew", async () => {
        const { readModels } = await ok("GET", "read-models");
        return (readModels as Model[]).find((one) => one.name === name)?.state === "live";
      });
    }
    await caughtUp();
    expect(await digests()).toEqual(before);
  });
});
