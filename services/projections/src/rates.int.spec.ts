import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { REGISTRY, type registry, SIGNALS, signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { geocellOf } from "@fieldlog/geocells";
import { encoded, heartbeat, pick, RECEIVED, startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";
import { becomes } from "./signals.fixture.js";

let servers: TestServers;
let log: EventLog;
let replica: Replica;
let database: pg.Pool;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  const url = await servers.databaseUrl("rates");
  database = new pg.Pool({ connectionString: url });
  replica = await startReplica(servers.nats.url, url);
  await until("the tables", () => replica.client.countEvents({ namespace: "none", limit: 1 }));
});
afterAll(async () => {
  await replica?.close();
  await database?.end();
  await log?.close();
  await servers?.stop();
});

async function appendAll(namespace: string, all: signals.Signal[]): Promise<void> {
  for (const one of all) await log.signals.append(namespace, encoded(one));
}
const atLeast = async () => BigInt(await log.lastSequence(SIGNALS));

type Metadata = MessageInitShape<typeof registry.DeviceMetadataSchema>;
async function register(namespace: string, id: string, metadata: Metadata = {}): Promise<void> {
  const event = { case: "deviceRegistered" as const, value: { dialect: "csn", metadata } };
  const decision = { events: [{ event }], decidedAt: BigInt(RECEIVED), decidedBy: "system" };
  await log.registry.append({ namespace, kind: "device", id }, decision, 0);
}

async function picks(namespace: string) {
  const { events } = await replica.client.listEvents({
    ...{ namespace, limit: 1_000, type: "pick", atLeast: await atLeast() },
  });
  return events.map(({ identity, contributing }) => [identity, contributing]);
}

type More = NonNullable<Parameters<typeof pick>[3]>;
const at = (latitude: number, longitude: number) => ({
  location: create(signals.LocationSchema, { latitude, longitude }),
});
function nowhere({ location: _, ...signal }: signals.Signal): signals.Signal {
  return signal;
}
const bySensor = (sensor: string, sensorType: string): More => ({
  body: {
    case: "event",
    value: { name: "pick", reading: { sensor, sensorType, values: [1] } },
  },
});

describe("picks", () => {
  it("contribute while liveness has their device active, also after the tables were built anew", async () => {
    const story = [
      pick("a", "before"),
      becomes("a", "Active", "liveness/active/1"),
      pick("a", "active"),
      becomes("b", "Inactive", "liveness/inactive/1"),
      becomes("a", "Inactive", "somebody", ""),
      pick("a", "still"),
      becomes("a", "Inactive", "liveness/inactive/2"),
      becomes("a", "Active", "liveness/active/1"),
      pick("a", "gone"),
      pick("a", "active"),
      becomes("a", "Active", "liveness/active/3"),
      pick("a", "back"),
    ];
    await appendAll("contributing", story);
    const expected = [
      ...[
        ["before", false],
        ["active", true],
        ["still", true],
      ],
      ...[
        ["gone", false],
        ["back", true],
      ],
    ];
    expect(await picks("contributing")).toEqual(expected);
    await replica.client.rebuildReadModel({ name: "events" });
    await until("rebuilt", async () => {
      const { readModels } = await replica.client.listReadModels({});
      return readModels.find(({ name }) => name === "events")?.state === "live";
    });
    expect(await picks("contributing")).toEqual(expected);
    const { events } = await replica.client.listEvents({ namespace: "contributing", limit: 100 });
    const others = events.filter(({ type }) => type !== "pick");
    expect(others.map(({ contributing }) => contributing)).toEqual(others.map(() => undefined));
  });

  it("are found by the type of their sensor and by who issued them", async () => {
    await appendAll("typed", [
      pick("a", "shaken"),
      pick("a", "warm", 0, bySensor("1", "temperature")),
      becomes("a", "Active", "x"),
    ]);
    const found = async (filter: object) => {
      const asked = { namespace: "typed", limit: 10, atLeast: await atLeast(), ...filter };
      return (await replica.client.listEvents(asked)).events.map(({ identity }) => identity);
    };
    expect(await found({ sensorType: "temperature" })).toEqual(["warm"]);
    expect(await found({ sensorType: "temperature", newest: true })).toEqual(["warm"]);
    expect(await found({ issuer: "liveness" })).toEqual(["x"]);
  });

  it("lie in the cell where they happened, else where their device was last or is registered", async () => {
    await register("where", "beaten", { latitude: -1, longitude: -1 });
    await register("where", "registered", { latitude: 1, longitude: -1 });
    await appendAll("where", [
      pick("beaten", "told", 0, at(10, 10)),
      { ...heartbeat("beaten", "h1", 0, "update"), ...at(20, 20) },
      heartbeat("beaten", "h2", 0, "update"),
      nowhere(pick("beaten", "beat")),
      nowhere(pick("registered", "known")),
      nowhere(pick("stranger", "unknown")),
    ]);
    const { events } = await until("places", async () => {
      const found = await replica.client.listEvents({
        namespace: "where",
        limit: 10,
        atLeast: await atLeast(),
      });
      const known = found.events.find(({ identity }) => identity === "known");
      return known?.geocell ? found : undefined;
    });
    expect(events.map(({ geocell }) => geocell)).toEqual([
      ...[geocellOf(10, 10), geocellOf(20, 20), geocellOf(1, -1), ""],
    ]);
  });
});

describe("counts", () => {
  const minute = 60_000;
  const asked = { namespace: "counted", limit: 100 };
  const count = async (more: object) => {
    const { counts, next } = await replica.client.countEvents({ ...asked, ...more });
    const told = counts.map(({ key, events, mobileDevices, staticDevices }) => {
      return [key, Number(events), mobileDevices, staticDevices];
    });
    return { told, next };
  };

  beforeAll(async () => {
    await register("counted", "phone", { mobility: "phone" });
    await register("counted", "station", { mobility: "standalone", latitude: 1, longitude: 1 });
    await appendAll("counted", [
      becomes("phone", "Active", "l1"),
      heartbeat("phone", "h1", 0, "update", [{ sensor: "7", eventCount: 4, windowS: 600 }]),
      pick("phone", "1", 0, at(1, 1)),
      pick("phone", "2", minute, { ...at(-1, 1), ...bySensor("7", "temperature") }),
      nowhere(pick("station", "3", 2 * minute)),
      pick("station", "4", 20 * minute, at(2, 1)),
      nowhere(pick("stranger", "5", 3 * minute)),
    ]);
    await replica.client.countEvents({ ...asked, atLeast: await atLeast() });
    await replica.client.listDevices({
      ...{ namespace: "counted", limit: 1, atLeast: BigInt(await log.lastSequence(REGISTRY)) },
    });
  });

  it("are of all that devices reported, in a window", async () => {
    expect((await count({})).told).toEqual([["", 5, 1, 2]]);
    const window = { from: BigInt(RECEIVED - 1_000), to: BigInt(RECEIVED + 10 * minute) };
    expect((await count(window)).told).toEqual([["", 4, 1, 2]]);
    expect((await count({ to: 0n })).told).toEqual([["", 0, 0, 0]]);
    expect((await count({ type: "DeviceBecameActive" })).told).toEqual([["", 1, 1, 0]]);
    expect((await count({ contributing: true })).told).toEqual([["", 2, 1, 0]]);
    expect((await count({ device: "station" })).told).toEqual([["", 2, 0, 1]]);
  });

  it("are by sensor, in pages", async () => {
    const all = [
      ["phone/0", 1, 1, 0],
      ["phone/7", 1, 1, 0],
      ["station/0", 2, 0, 1],
      ["stranger/0", 1, 0, 1],
    ];
    expect((await count({ by: "sensor" })).told).toEqual(all);
    const first = await count({ by: "sensor", limit: 3 });
    expect(first).toEqual({ told: all.slice(0, 3), next: "station/0" });
    expect(await count({ by: "sensor", limit: 3, after: first.next })).toEqual({
      told: all.slice(3),
      next: "",
    });
  });

  it("by sensor tell what heartbeats said of it", async () => {
    const { counts } = await replica.client.countEvents({ ...asked, by: "sensor" });
    expect(counts.map(({ reportedEvents, reportedWindowS }) => [reportedEvents, reportedWindowS])).toEqual([
      ...[
        [undefined, undefined],
        [4, 600],
        [undefined, undefined],
        [undefined, undefined],
      ],
    ]);
  });

  it("are by geocell of any resolution, in any cell", async () => {
    const by = { by: "geocell", resolution: 2 };
    expect((await count(by)).told).toEqual([
      ["10", 1, 1, 0],
      ["11", 3, 1, 1],
      ["?", 1, 0, 1],
    ]);
    expect((await count({ ...by, resolution: 1 })).told).toEqual([
      ["1", 4, 1, 1],
      ["?", 1, 0, 1],
    ]);
    expect((await count({ ...by, within: "11" })).told).toEqual([["11", 3, 1, 1]]);
    expect((await count({ ...by, resolution: 48, within: geocellOf(2, 1) })).told).toEqual([
      [geocellOf(2, 1), 1, 0, 1],
    ]);
    expect((await count({ by: "sensor", within: "10" })).told).toEqual([["phone/7", 1, 1, 0]]);
  });

  it.each([
    ["by", { by: "colour" }],
    ["resolution", { by: "geocell", resolution: 49 }],
    ["resolution", { by: "geocell" }],
    ["within", { within: "012" }],
    ["limit", { limit: 0 }],
  ])("are refused with a wrong %s", async (field, wrong) => {
    await expect(count(wrong)).rejects.toMatchObject({ code: "invalid_argument", details: { field } });
  });
});

describe("devices", () => {
  it("are found by name, uuid and legacy identifier, each by its index", async () => {
    await register("found", "1", { name: "cellar", uuid: "u-1" });
    await register("found", "2", { name: "cellar", legacyIdentifier: "old" });
    await register("found", "3", { name: "roof" });
    await register("elsewhere", "4", { name: "cellar", uuid: "u-1" });
    const newest = BigInt(await log.lastSequence(REGISTRY));
    const found = async (by: object) => {
      const { devices } = await replica.client.listDevices({
        namespace: "found",
        limit: 9,
        atLeast: newest,
        ...by,
      });
      return devices.map(({ id }) => id);
    };
    expect(await found({ name: "cellar" })).toEqual(["1", "2"]);
    expect(await found({ name: "cellar", newest: true })).toEqual(["2", "1"]);
    expect(await found({ uuid: "u-1" })).toEqual(["1"]);
    expect(await found({ legacyIdentifier: "old" })).toEqual(["2"]);
    expect(await found({ name: "" })).toEqual([]);
  });
});

describe("the newest events of a rare kind of sensor", () => {
  it("are found by an index that the common kind is not in", async () => {
    const client = await database.connect();
    try {
      await client.query("SET enable_seqscan = off");
      const explained = async (sensorType: string) => {
        const { rows } = await client.query(
          `EXPLAIN SELECT position FROM projections.events WHERE namespace = $1 AND type = 'pick' AND sensor_type = $2
            ORDER BY position DESC LIMIT 10`,
          ["typed", sensorType],
        );
        return JSON.stringify(rows);
      };
      expect(await explained("temperature")).toContain("events_sensor_type");
      expect(await explained("accelerometer-3-axis")).toContain("events_pkey");
    } finally {
      client.release(true);
    }
  });
});

describe("a window of many events", () => {
  const ROWS = 200_000;
  const RATE = 2;
  const BEGIN = 1_700_000_000;

  it("is counted by reading little more than what lies in it, whatever some clocks say", async () => {
    await database.query(`
      SET search_path TO projections;
      INSERT INTO events
        (namespace, position, device, identity, type, occurred_at, received_at, data, sensor, geocell)
      SELECT 'many', n, 'd' || n % 5000, n::text, 'pick',
             CASE WHEN n % 100 = 0 THEN to_timestamp(n % 7) ELSE to_timestamp(${BEGIN} + n::float / ${RATE}) END,
             now(), '{"sensor":"0","readings":[0.5,-0.25,0.125]}', '0', n::bigint * 7919000000 % (1::bigint << 48)
        FROM generate_series(1, ${ROWS}) AS n;
      SELECT brin_summarize_new_values('events_occurred_at');
      ANALYZE events`);
    const from = BEGIN + ROWS / RATE / 2;
    const window = { from: BigInt(from) * 1_000n, to: BigInt(from + 600) * 1_000n };
    const { counts } = await replica.client.countEvents({
      ...{ namespace: "many", limit: 1_000, ...window, by: "geocell", resolution: 8 },
    });
    expect(counts.reduce((sum, { events }) => sum + Number(events), 0)).toBe(600 * RATE * 0.99);
    const { rows } = await database.query(`
      EXPLAIN (ANALYZE, FORMAT JSON) SELECT device, sensor, count(*) FROM projections.events
       WHERE namespace = 'many' AND issuer IS NULL
         AND occurred_at >= to_timestamp(${from}) AND occurred_at < to_timestamp(${from + 600})
       GROUP BY device, sensor`);
    const plan = JSON.stringify(rows[0]);
    expect(plan).toContain('"Index Name":"events_occurred_at"');
    const passedOver = Number(/"Rows Removed by Index Recheck":(\d+)/.exec(plan)?.[1]);
    expect(passedOver).toBeLessThan(ROWS / 10);
  });
});
