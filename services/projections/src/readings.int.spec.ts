import { SIGNALS, type signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { encoded, heartbeat, RECEIVED, startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";
import { logEntries, measurements, message, rejection } from "./signals.fixture.js";

let servers: TestServers;
let log: EventLog;
let replica: Replica;
let database: pg.Pool;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  const url = await servers.databaseUrl("readings");
  database = new pg.Pool({ connectionString: url });
  replica = await startReplica(servers.nats.url, url);
});
afterAll(async () => {
  await replica?.close();
  await database?.end();
  await log?.close();
  await servers?.stop();
});

const append = (namespace: string, signal: signals.Signal) => log.signals.append(namespace, encoded(signal));
const atLeast = async () => BigInt(await log.lastSequence(SIGNALS));
const HOUR = 3_600;
/** A full hour, in seconds. */
const NOON = Date.UTC(2026, 4, 1, 12) / 1_000;
const hour = (at: number) => BigInt(at * 1_000);

async function measured(namespace: string, asked: object = {}) {
  const { measurements: found } = await replica.client.listMeasurements({
    ...{ namespace, device: "d", limit: 64, atLeast: await atLeast(), ...asked },
  });
  return found.map(({ occurredAt, revision, attributes, values }) => ({
    ...{ at: occurredAt, values: Object.fromEntries(attributes.map((name, i) => [name, values[i]])) },
    ...(revision === undefined ? {} : { revision }),
  }));
}

describe("measurements", () => {
  it("of one time and revision are one, and pages go both ways from a time", async () => {
    const elements = [
      { at: NOON, values: { temperature: 1 } },
      { at: NOON, revision: 1, values: { temperature: 2 } },
      { at: NOON + HOUR, values: { temperature: 3, humidity: 4 } },
      { at: NOON + HOUR, values: { humidity: 5, pressure: 6 } },
      { at: NOON + 2 * HOUR, values: { temperature: 7 } },
      { at: NOON - 40 * 86_400, values: { temperature: 8 } },
    ];
    await append("grouped", measurements("d", elements.slice(0, 3)));
    await append("grouped", measurements("d", elements.slice(3)));
    await append("grouped", measurements("e", [{ at: NOON, values: { temperature: 9 } }]));
    const first = { at: NOON - 40 * 86_400, values: { temperature: 8 } };
    const bare = { at: NOON, values: { temperature: 1 } };
    const revised = { at: NOON, revision: 1, values: { temperature: 2 } };
    const merged = { at: NOON + HOUR, values: { temperature: 3, humidity: 5, pressure: 6 } };
    const last = { at: NOON + 2 * HOUR, values: { temperature: 7 } };
    const all = await measured("grouped");
    expect(all).toEqual([first, revised, bare, merged, last]);
    expect(await measured("grouped", { previous: true })).toEqual(all);
    expect(await measured("grouped", { limit: 2 })).toEqual(all.slice(0, 2));
    expect(await measured("grouped", { limit: 2, previous: true })).toEqual(all.slice(3));
    expect(await measured("grouped", { occurredAt: NOON })).toEqual(all.slice(3));
    expect(await measured("grouped", { occurredAt: NOON + HOUR, previous: true, limit: 2 })).toEqual(
      all.slice(1, 3),
    );
    expect(await measured("grouped", { occurredAt: last.at })).toEqual([]);
    expect(await measured("grouped", { occurredAt: Number.NaN })).toEqual([]);
    expect(await measured("grouped", { occurredAt: Number.NEGATIVE_INFINITY })).toEqual(all);
    expect(await measured("grouped", { device: "nobody" })).toEqual([]);
  });

  it("are told apart by the exact time that the device sent", async () => {
    const at = [NOON + 0.0001, NOON + 0.0002, NOON + 0.0002 + 2 ** -22];
    await append("exact", measurements("d", at.map((one, i) => ({ at: one, values: { n: i } })).reverse()));
    expect((await measured("exact")).map((one) => one.at)).toEqual(at);
    expect(await measured("exact", { occurredAt: at[0] })).toHaveLength(2);
    expect(await measured("exact", { occurredAt: at[2], previous: true })).toHaveLength(2);
  });

  it("of any time and any value are kept, and park nobody", async () => {
    const times = [-1e308, -62_135_596_801, -5, 0, 1e9, NOON, 95_617_584_000, 3e11, 1e15, Number.MAX_VALUE];
    const values = [Number.MAX_VALUE, Number.MAX_VALUE, -0, Number.MIN_VALUE];
    await append(
      "absurd",
      measurements(
        "d",
        times.map((at) => ({ at, values: { null: 1 } })),
      ),
    );
    await append(
      "absurd",
      measurements(
        "d",
        values.map((value) => ({ at: NOON, revision: 2 ** 32 - 1, values: { 'q"\\,{': value } })),
      ),
    );
    await append(
      "absurd",
      measurements("d", [{ at: Number.NaN, values: { x: Number.NaN, y: Number.POSITIVE_INFINITY } }]),
    );
    // What has no time has that of the beginning; the two at noon have different revisions.
    const found = await measured("absurd");
    expect(found.map(({ at }) => at)).toEqual([...times, NOON].sort((a, b) => a - b));
    const { deadLetters } = await replica.client.listDeadLetters({ limit: 10 });
    expect(deadLetters).toEqual([]);
    const latest = await replica.client.listLatestValues({ namespace: "absurd", device: "d" });
    expect(latest.values.map(({ attribute, value }) => [attribute, value])).toEqual([
      ["null", 1],
      ['q"\\,{', Number.MIN_VALUE],
      ["y", Number.POSITIVE_INFINITY],
    ]);
  });

  it("that are resent under an identity are there once, others as often as they came", async () => {
    const one = [{ at: NOON, values: { a: 1 } }];
    for (let i = 0; i < 3; i++) await append("resent", measurements("d", one, { identity: "q/1" }));
    await append("resent", measurements("d", one));
    await append("resent", measurements("e", one, { identity: "q/1" }));
    await append("resent", logEntries("d", [{ message: "x" }], { identity: "q/2" }));
    await append("resent", logEntries("d", [{ message: "x" }], { identity: "q/2" }));
    await replica.client.countValues({ namespace: "resent", from: 0n, atLeast: await atLeast() });
    const counted = await database.query(
      "SELECT device, count(*)::int AS rows FROM projections.measurements WHERE namespace = 'resent' GROUP BY device ORDER BY device",
    );
    expect(counted.rows).toEqual([
      { device: "d", rows: 2 },
      { device: "e", rows: 1 },
    ]);
    const { entries } = await replica.client.listLogEntries({ namespace: "resent", device: "d", limit: 9 });
    expect(entries).toHaveLength(1);
    const { counts } = await replica.client.countValues({ namespace: "resent", from: 0n });
    expect(counts.map(({ device, count }) => [device, count])).toEqual([
      ["d", 2n],
      ["e", 1n],
    ]);
  });
});

describe("what measurements add up to", () => {
  it("is averaged by the hour, counted by four hours, and the newest by time is the latest", async () => {
    const elements = [
      { at: NOON, values: { t: 1, h: 10 } },
      { at: NOON + 60, values: { t: 2 } },
      { at: NOON + HOUR, values: { t: 30 } },
      { at: NOON + 30, values: { t: 3 } },
      { at: NOON - HOUR, values: { t: 100, h: 11 } },
      { at: NOON - 29 * 86_400, values: { t: 7 } },
    ];
    await append("hours", measurements("d", elements));
    await append("hours", measurements("d", [{ at: NOON + HOUR, values: { t: 31 } }]));
    const from = hour(NOON - 28 * 86_400);
    const { averages } = await replica.client.listHourlyAverages({
      ...{ namespace: "hours", device: "d", from, atLeast: await atLeast() },
    });
    expect(
      averages.map(({ attribute, hour, average }) => [attribute, Number(hour) / 1_000, average]),
    ).toEqual([
      ["h", NOON - HOUR, 11],
      ["h", NOON, 10],
      ["t", NOON - HOUR, 100],
      ["t", NOON, 2],
      ["t", NOON + HOUR, 30.5],
    ]);
    const { values } = await replica.client.listLatestValues({ namespace: "hours", device: "d" });
    expect(values).toMatchObject([
      { attribute: "h", value: 10, occurredAt: NOON },
      { attribute: "t", value: 31, occurredAt: NOON + HOUR },
    ]);
    const { counts } = await replica.client.countValues({ namespace: "hours", from });
    expect(counts).toMatchObject([
      { device: "d", begin: hour(NOON - 4 * HOUR), count: 2n },
      { device: "d", begin: hour(NOON), count: 6n },
    ]);
    const sql = await database.query(
      "SELECT value FROM projections.measurement_values WHERE namespace = 'hours' AND attribute = 't' ORDER BY seconds, position",
    );
    expect(sql.rows.map(({ value }) => value)).toEqual([7, 100, 1, 3, 2, 30, 31]);
  });
});

describe("log entries", () => {
  it("come in pages, with what was refused among them", async () => {
    const entry = (at: number, severity: string, message: string, more: object = {}) => {
      return { occurredAt: at, severity, message, ...more };
    };
    await append(
      "logs",
      logEntries("d", [
        entry(NOON + 3, "info", "three"),
        entry(NOON + 1, "warning", "again", { revision: 7 }),
        entry(NOON + 2, "error", "pump", { details: "no\u0000water", divided: true }),
      ]),
    );
    await append("logs", logEntries("d", [entry(NOON + 4, "warning", "again", { revision: 3 })]));
    await append("logs", rejection("d", "measurements/d", "unknown key", 3));
    const ask = async (asked: object = {}) => {
      const { entries } = await replica.client.listLogEntries({
        ...{ namespace: "logs", device: "d", limit: 64, atLeast: await atLeast(), ...asked },
      });
      return entries;
    };
    const all = await ask();
    expect(all).toMatchObject([
      { severity: "error", message: "rejected publish", divided: true, occurredAt: RECEIVED / 1_000 },
      { severity: "warning", message: "again", revision: 7, divided: false },
      { severity: "error", message: "pump", details: "no\uFFFDwater", divided: true },
      { severity: "info", message: "three" },
      { severity: "warning", message: "again", revision: 3 },
    ]);
    expect(all[0]?.details).toBe("measurements/d: unknown key (3 times)");
    expect(all[3]?.details).toBeUndefined();
    expect(await ask({ limit: 2 })).toEqual(all.slice(0, 2));
    expect(await ask({ limit: 2, previous: true })).toEqual(all.slice(3));
    expect(await ask({ occurredAt: NOON + 2 })).toEqual(all.slice(3));
    expect(await ask({ occurredAt: NOON + 3, previous: true, limit: 2 })).toEqual(all.slice(1, 3));

    const { summaries } = await replica.client.summarizeLogEntries({ namespace: "logs", device: "d" });
    expect(summaries).toMatchObject([
      { severity: "error", message: "rejected publish", count: 1n },
      { severity: "error", message: "pump", count: 1n, firstOccurredAt: NOON + 2 },
      {
        ...{ severity: "warning", message: "again", count: 2n, firstRevision: 7, lastRevision: 3 },
        ...{ firstOccurredAt: NOON + 1, lastOccurredAt: NOON + 4 },
      },
    ]);
    expect(summaries[0]?.firstRevision).toBeUndefined();
  });
});

describe("what a device sends", () => {
  it("counts as having been heard of it, whatever it is", async () => {
    await append("seen", measurements("m", [{ at: NOON, values: { a: 1 } }]));
    await append("seen", rejection("r", "t", "reason"));
    await append("seen", heartbeat("h", "1", 0, "update"));
    await append("seen", message("p", "p/state", "on"));
    // But what it is sent is no sign of life.
    await append("seen", message("c", "configurations/c", "{}", { retain: true }));
    await replica.client.listEvents({ namespace: "seen", limit: 1, atLeast: await atLeast() });
    const { rows } = await database.query(
      "SELECT device, last_seen_at FROM projections.activity WHERE namespace = 'seen' ORDER BY device",
    );
    expect(rows).toEqual(
      ["h", "m", "p", "r"].map((device) => ({ device, last_seen_at: new Date(RECEIVED) })),
    );
  });
});

describe("built anew", () => {
  it("the rows are the same, and partitions and the view are there", async () => {
    const digest = async () => {
      const { rows } = await database.query(`
        SELECT (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM projections.measurements t) AS measurements,
               (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM projections.measurement_hours t) AS hours,
               (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM projections.log_entries t) AS entries,
               (SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM projections.measurement_values t) AS values,
               (SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY 1) FROM pg_inherits
                 WHERE inhparent = 'projections.measurements'::regclass) AS partitions`);
      return rows[0];
    };
    const caughtUp = () =>
      until("all of the log is applied", async () => {
        const { readModels } = await replica.client.listReadModels({});
        return readModels.every(
          ({ state, sequence, logSequence, rebuildSequence }) =>
            state === "live" && sequence >= logSequence && rebuildSequence === undefined,
        );
      });
    await caughtUp();
    const before = await digest();
    expect(before.partitions).toContain("measurements_2026_05");
    await replica.client.rebuildReadModel({ name: "readings" });
    await caughtUp();
    expect(await digest()).toEqual(before);
    await append("anew", measurements("d", [{ at: NOON + 90 * 86_400, values: { a: 1 } }]));
    expect(await measured("anew")).toHaveLength(1);
    expect((await digest()).partitions).toContain("measurements_2026_07");
  });
});
