import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { endOf, type Position, type registry, SIGNALS, signals } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import type { LoggedEvent } from "@fieldlog/events";
import { parseFilter } from "@fieldlog/filters";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { EventCursor, EventFeeds, type EventSink } from "./events.js";
import { Slots } from "./slots.js";

let servers: TestServers;
let log: EventLog;
let feeds: EventFeeds;
let namespace: { id: string; name: string };
let catchUps = 0;
let namespaces = 0;
const readers = new Slots(2);
const logger = { warn: () => undefined, error: () => undefined };

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});
beforeEach(() => {
  feeds = new EventFeeds({ log, logger });
  namespace = { id: `n${++namespaces}`, name: `name${namespaces}` };
  catchUps = 0;
});
afterEach(() => feeds.stop());

function publish(fields: MessageInitShape<typeof signals.EventSchema>, device = "d"): Promise<Position> {
  const body = { case: "event", value: create(signals.EventSchema, fields) } as const;
  const signal = create(signals.SignalSchema, { device, body });
  return log.signals.append(namespace.id, toBinary(signals.SignalSchema, signal));
}

/** A sink that takes as many as it is told. */
class Taking implements EventSink {
  readonly got: LoggedEvent[] = [];
  private waiting: (() => void) | undefined;

  constructor(public room = Number.POSITIVE_INFINITY) {}

  get values(): (string | undefined)[] {
    return this.got.map(({ value }) => value);
  }

  hasRoom(): boolean {
    return this.got.length < this.room;
  }

  async roomed(ms = 60_000): Promise<boolean> {
    if (this.hasRoom()) return true;
    await new Promise<void>((resolve) => {
      this.waiting = resolve;
      setTimeout(resolve, ms).unref();
    });
    return this.hasRoom();
  }

  deliver(event: LoggedEvent): void {
    this.got.push(event);
  }

  takeAll(): void {
    this.room = Number.POSITIVE_INFINITY;
    this.waiting?.();
  }
}

function follow(filter: object, after: Position, sink = new Taking()) {
  const filters: registry.EventFilter[] = [parseFilter(filter)];
  const onCatchUp = () => void catchUps++;
  const cursor = new EventCursor({ log, feeds, namespace, filters, sink, readers, logger, onCatchUp }, after);
  cursor.start();
  return { cursor, sink };
}

const now = async () => endOf(await log.lastSequence(SIGNALS));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i));

it("gives what matches, live, the same object to all, and knows how far it is", async () => {
  const after = await now();
  const all = follow({}, after);
  const some = follow({ names: ["li*"], conditions: [{ field: "value", op: ">=", value: 10 }] }, after);
  await until("both are live", () => !all.cursor.isBehind && !some.cursor.isBehind);
  await publish({ name: "light", value: "10" });
  await publish({ name: "light", value: "9" });
  const last = await publish({ name: "heat", value: "11" });
  await until("all are there", () => all.sink.got.length === 3);
  expect(some.sink.values).toEqual(["10"]);
  expect(some.sink.got[0]).toBe(all.sink.got[0]);
  expect(JSON.parse(String(some.sink.got[0]?.json()))).toMatchObject({
    source: `/namespaces/${namespace.name}/devices/d`,
    type: "light",
    value: "10",
  });
  await until("positions", () => some.cursor.position >= last && all.cursor.position >= last);
  expect(catchUps).toBe(0);
  some.cursor.end();
  await publish({ name: "light", value: "12" });
  await until("the other has it", () => all.sink.got.length === 4);
  expect(some.sink.got).toHaveLength(1);
});

it("begins anywhere: what was before comes from the log, then what arrives, none twice", async () => {
  await publish({ name: "x", value: "0" });
  const middle = await publish({ name: "x", value: "1" });
  await Promise.all(numbers(2, 1_000).map((value) => publish({ name: "x", value })));
  const whole = follow({}, 0);
  const late = follow({ names: ["x"] }, middle);
  const more = Promise.all(numbers(1_000, 2_000).map((value) => publish({ name: "x", value })));
  await more;
  await until("all are there", () => whole.sink.got.length === 2_000 && late.sink.got.length === 1_998);
  expect(whole.sink.values).toEqual(numbers(0, 2_000));
  expect(late.sink.values).toEqual(numbers(2, 2_000));
  expect(catchUps).toBeGreaterThan(0);
});

it("leaves out what does not match from what was before, too", async () => {
  const begin = await now();
  await Promise.all(numbers(0, 200).map((value) => publish({ name: "n", value })));
  const few = follow({ values: ["7", "107"] }, begin);
  await until("it has caught up", () => !few.cursor.isBehind);
  expect(few.sink.values).toEqual(["7", "107"]);
});

it("waits for who is slow, slows nobody, and goes on from there", async () => {
  const after = await now();
  const slow = follow({}, after, new Taking(5));
  const quick = follow({}, after);
  await until("both are live", () => !slow.cursor.isBehind && !quick.cursor.isBehind);
  // More than the feed keeps in memory.
  for (let i = 0; i < 30; i++) {
    await Promise.all(
      numbers(i * 100, (i + 1) * 100).map((value) => publish({ value, data: Buffer.alloc(1_000, "1") })),
    );
  }
  await until("the quick one has all", () => quick.sink.got.length === 3_000);
  expect(slow.sink.values).toEqual(numbers(0, 5));
  expect(slow.cursor.isBehind).toBe(true);
  expect(slow.cursor.position).toBeLessThan(quick.cursor.position);
  slow.sink.takeAll();
  await until("the slow one has all", () => slow.sink.got.length === 3_000);
  expect(slow.sink.values).toEqual(numbers(0, 3_000));
  await until("it is live", () => !slow.cursor.isBehind);
});

it("goes on by itself when NATS was killed", async () => {
  const { cursor, sink } = follow({}, await now());
  await until("it is live", () => !cursor.isBehind);
  await publish({ value: "0" });
  await servers.nats.kill();
  await servers.nats.start();
  await until("the log takes it", () => publish({ value: "1" }).then(() => true));
  await until("it has come", () => sink.values.at(-1) === "1");
  expect([...new Set(sink.values)]).toEqual(["0", "1"]);
});
