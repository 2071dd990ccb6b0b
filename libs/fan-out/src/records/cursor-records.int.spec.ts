import { connectLog, type EventLog, LogUnavailable, RecordBucket } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { CursorRecords } from "./cursor-records.js";
import { isConnected } from "./record.js";

let servers: TestServers;
let logs: EventLog[];
let one: CursorRecords;
let other: CursorRecords;
let id = 0;
const clock = { now: 1_000_000 };

beforeAll(async () => {
  servers = await startServers();
  logs = await Promise.all(["one", "other"].map((name) => connectLog({ url: servers.nats.url, name })));
});
afterAll(async () => {
  await Promise.all(logs.map((log) => log.close()));
  await servers?.stop();
});
beforeEach(async () => {
  const open = (log?: EventLog) => CursorRecords.open((log as EventLog).connection, 1, () => clock.now);
  [one, other] = [await open(logs[0]), await open(logs[1])];
  id++;
});
afterEach(async () => {
  await one.close();
  await other.close();
});

const acquire = (records: CursorRecords, startAfter = 0) =>
  records.acquire("ns", `s${id}`, { holder: "edge", via: "sse", startAfter });
const stored = () => other.get("ns", `s${id}`);
const position = async () => (await stored())?.position;

it("begins where it is told to, and goes on from what was acknowledged", async () => {
  expect(await stored()).toBeUndefined();
  const held = await acquire(one, 500);
  expect(held.record).toMatchObject({ position: 500, delivered: 0, connected: true, via: "sse" });
  held.acknowledge(700, 2);
  held.acknowledge(600, 1);
  await held.release();
  expect(await stored()).toMatchObject({ position: 700, delivered: 3, connected: false });
  const again = await acquire(other, 1);
  expect(again.record).toMatchObject({ position: 700, delivered: 3, lastDeliveryAt: clock.now });
});

it("is written within a second, and shows that its holder is alive", async () => {
  const held = await acquire(one);
  held.acknowledge(9, 1);
  await until("the position is written", async () => (await position()) === 9);
  clock.now += 10_000;
  await until("there is a sign of life", async () => (await stored())?.aliveAt === clock.now);
  const record = await stored();
  expect(record && isConnected(record, clock.now + 14_999)).toBe(true);
  expect(record && isConnected(record, clock.now + 15_000)).toBe(false);
});

it("is lost to who takes it over, and what the one before acknowledges later counts for nothing", async () => {
  const held = await acquire(one);
  let lost = 0;
  held.onLost(() => lost++);
  held.acknowledge(10, 1);
  await until("it is written", async () => (await position()) === 10);
  const taken = await acquire(other);
  expect(taken.record.position).toBe(10);
  held.acknowledge(99, 1);
  await until("the one before knows", () => lost === 1);
  held.acknowledge(100, 1);
  await held.release();
  taken.acknowledge(20, 1);
  await taken.release();
  expect(await stored()).toMatchObject({ position: 20, delivered: 2 });
  expect(lost).toBe(1);
});

it("is taken by several at once, and belongs to the last of them alone", async () => {
  const all = await Promise.all([one, other, one, other, one].map((records) => acquire(records)));
  const lost = new Set<number>();
  for (const [index, held] of all.entries()) held.onLost(() => lost.add(index));
  for (const held of all) held.acknowledge(5, 1);
  await until("all but one know", () => lost.size === all.length - 1);
  expect(await stored()).toMatchObject({ delivered: 1 });
});

it("is taken by one only of those who want it while nobody has it, until that one is gone", async () => {
  const options = { holder: "edge", via: "webhook", startAfter: 0 } as const;
  const free = (records: CursorRecords) => records.acquireFree("ns", `s${id}`, options);
  const got = (await Promise.all([one, other, one, other].map(free))).filter((held) => held !== undefined);
  expect(got).toHaveLength(1);
  expect(await free(one)).toBeUndefined();
  await got[0]?.release();
  const next = await free(other);
  expect(next).toBeDefined();
  await other.close();
  expect(await free(one)).toBeDefined();
});

it("counts failures in a row, until something is delivered", async () => {
  const held = await acquire(one);
  const since = clock.now;
  held.failed({ error: "500 Internal Server Error", nextAttemptAt: since + 5_000, attempted: 6 });
  clock.now += 5_000;
  held.failed({ error: "x".repeat(10_000), nextAttemptAt: clock.now + 300_000 });
  expect(held.record).toMatchObject({
    failures: 2,
    failingSince: since,
    attempted: 6,
    nextAttemptAt: clock.now + 300_000,
  });
  expect(held.record.lastError).toHaveLength(300);
  await until("it is written", async () => (await stored())?.failures === 2);
  held.acknowledge(7, 1);
  await held.release();
  const record = await stored();
  expect(record).toMatchObject({ failures: 0, position: 7 });
  expect(record).not.toHaveProperty("failingSince");
  expect(record).not.toHaveProperty("lastError");
  expect(record).not.toHaveProperty("attempted");
});

it("is gone when it was removed, for its holder as well", async () => {
  const held = await acquire(one);
  let lost = false;
  held.onLost(() => {
    lost = true;
  });
  await other.remove("ns", `s${id}`);
  await other.remove("ns", `s${id}`);
  held.acknowledge(3, 1);
  await until("its holder knows", () => lost);
  expect(await stored()).toBeUndefined();
});

it("is written once NATS is back, and stays its holder's", async () => {
  const held = await acquire(one);
  held.onLost(() => expect.unreachable());
  await servers.nats.kill();
  held.acknowledge(42, 1);
  await servers.nats.start();
  await until("it is written", async () => (await position()) === 42);
  held.acknowledge(43, 1);
  await until("and again", async () => (await position()) === 43);
});

it("is free for another where who took it did not hear that it has it", async () => {
  const { write } = RecordBucket.prototype;
  vi.spyOn(RecordBucket.prototype, "write").mockImplementationOnce(async function (
    this: RecordBucket<unknown>,
    ...options
  ) {
    await write.apply(this, options);
    throw new LogUnavailable("no answer came");
  });
  const free = (records: CursorRecords, holder: string) =>
    records.acquireFree("ns", `s${id}`, { holder, via: "webhook", startAfter: 5, isGone: () => false });
  await expect(free(one, "a")).rejects.toThrow("no answer came");
  const held = await until("it is free", () => free(other, "b"));
  expect(held.record).toMatchObject({ position: 5, connected: true });
});

it("is free once its holder is gone, where that is known otherwise, and is not written without need", async () => {
  const gone = new Set<string>();
  const isGone = (holder: string) => gone.has(holder.split(".")[0] as string);
  const free = (records: CursorRecords, holder: string) =>
    records.acquireFree("ns", `s${id}`, { holder, via: "webhook", startAfter: 0, isGone });
  expect(await free(one, "a")).toBeDefined();
  const before = await stored();
  clock.now += 60_000;
  expect(await free(other, "b")).toBeUndefined();
  gone.add("a");
  expect((await free(other, "b"))?.record.aliveAt).toBe(clock.now);
  expect(before && isConnected(before, clock.now)).toBe(true);
});
