import { create, toBinary } from "@bufbuild/protobuf";
import { SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { openReadDatabase, type ReadableLog, ReadModelRunner } from "@fieldlog/read-model";
import { heartbeat, pick, startServers, type TestServers } from "@fieldlog/testkit";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceTables } from "./devices/definition.js";
import { events } from "./events/definition.js";
import { pageOfEvents } from "./events/query.js";
import type { EventTables } from "./events/tables.js";
import { messages } from "./messages/definition.js";
import { readings } from "./readings/definition.js";
import { becomes, logEntries, measurements, message, rejection } from "./signals.fixture.js";

let servers: TestServers;
let url: string;

beforeAll(async () => {
  servers = await startServers();
  url = await servers.databaseUrl("same-rows");
});
afterAll(async () => await servers?.stop());

const device = fc.constantFrom("a", "b");
// Doubles whose sum depends on the order in which they are added.
const value = fc.oneof(
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc.double(),
  fc.constantFrom(1e16, -1e16),
);
const identity = fc.oneof(fc.constant(""), fc.constant(""), fc.constantFrom("q/1", "q/2", "q/3", "q/4"));
const time = fc.oneof(fc.integer({ min: 1_780_000_000, max: 1_780_010_000 }), fc.double());
const revision = fc.option(fc.nat(3), { nil: undefined });
const element = fc.record({
  at: time,
  revision,
  values: fc.dictionary(fc.constantFrom("x", "y", "null"), value, { minKeys: 1 }),
});
const anySignal = fc.oneof(
  fc
    .tuple(device, fc.array(element, { minLength: 1, maxLength: 4 }), identity)
    .map(([from, elements, id]) => measurements(from, elements as never, { identity: id })),
  fc
    .tuple(device, time, fc.string(), identity)
    .map(([from, at, text, id]) =>
      logEntries(from, [{ occurredAt: at, severity: "warning", message: text }], { identity: id }),
    ),
  fc.tuple(device, fc.nat(3)).map(([from, count]) => rejection(from, "t", "reason", count)),
  fc
    .tuple(device, fc.constantFrom("t", "u/v"), fc.constantFrom("", "1", "2"), identity)
    .map(([from, topic, payload, id]) => message(from, topic, payload, { retain: true }, { identity: id })),
  fc.tuple(device, identity).map(([from, id]) => pick(from, id)),
  fc
    .tuple(device, fc.constantFrom("Active" as const, "Inactive" as const), identity)
    .map(([from, state, id]) => becomes(from, state, id)),
  fc.tuple(device, identity, fc.option(fc.nat(89))).map(([from, id, latitude]) => {
    const beat = heartbeat(from, id, 0, "update");
    const location = create(signals.LocationSchema, { latitude: latitude ?? 0, longitude: 0 });
    return latitude === null ? beat : { ...beat, location };
  }),
);

function commitsOf(seed: number): Commit[] {
  const batches = fc.sample(fc.array(anySignal, { minLength: 1, maxLength: 6 }), { numRuns: 150, seed });
  return batches.map((batch, i) => ({
    stream: SIGNALS,
    ...{ subject: signalsSubject(i % 7 === 0 ? "m" : "n"), sequence: i + 1, time: new Date(0) },
    data: toBinary(signals.SignalBatchSchema, create(signals.SignalBatchSchema, { signals: batch })),
  }));
}

/** A log that tells what it has in pieces of the given sizes, each when the one before is applied. */
function told(
  commits: readonly Commit[],
  sizes: readonly number[],
  applied: (sequence: number) => Promise<unknown>,
) {
  const log: ReadableLog = {
    async *read(_, { after }) {
      let at = after;
      for (let i = 0; at < commits.length; i++) {
        const piece = commits.slice(at, at + (sizes[i % sizes.length] as number));
        yield piece;
        at += piece.length;
        await applied(at);
      }
      await new Promise(() => undefined);
    },
    lastSequence: async () => commits.length,
  };
  return log;
}

async function rowsAfter(schema: string, commits: readonly Commit[], sizes: readonly number[]) {
  const database = openReadDatabase<Record<never, never>>({ url, schema });
  const rows: Record<string, unknown> = {};
  for (const definition of [events, readings, messages]) {
    const log = told(commits, sizes, (sequence) => runner.waitFor(sequence, 10_000));
    const runner = new ReadModelRunner({ log, database, definition: definition as typeof readings });
    await runner.start();
    expect(await runner.waitFor(commits.length, 60_000)).toBe(true);
    expect((await runner.status()).parked).toBe(0);
    await runner.stop();
    if (definition === events) rows["contributing"] = await contributing(schema);
    for (const table of definition.tables) {
      const { rows: found } = await database.pool.query(
        `SELECT t::text AS row FROM "${schema}"."${table}" AS t ORDER BY 1`,
      );
      rows[table] = found.map(({ row }) => row);
    }
  }
  await database.close();
  return rows;
}

async function contributing(schema: string) {
  const database = openReadDatabase<EventTables & DeviceTables>({ url, schema });
  // Asked for where devices are; here there are none.
  await database.pool.query(`CREATE TABLE "${schema}".devices (namespace text, id text, geocell bigint)`);
  const found = await pageOfEvents(database, { namespace: "n", type: "pick", limit: 1_000 });
  await database.close();
  return found.events.map(({ position, contributing, geocell }) => [position, contributing, geocell]);
}

it("are built from a log however it is cut into pulls", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const commits = commitsOf(seed);
  const whole = await rowsAfter("whole", commits, [commits.length]);
  for (const [table, rows] of Object.entries(whole)) expect([table, rows]).not.toEqual([table, []]);
  expect({ seed, rows: await rowsAfter("single", commits, [1]) }).toEqual({ seed, rows: whole });
  const sizes = fc.sample(fc.integer({ min: 1, max: 30 }), { numRuns: 20, seed });
  expect({ seed, rows: await rowsAfter("random", commits, sizes) }).toEqual({ seed, rows: whole });
});
