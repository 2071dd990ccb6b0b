import { create, toBinary } from "@bufbuild/protobuf";
import { deviceBoundTopic, endOf, registry, SIGNALS, sequenceOf, signals } from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import type { LoggedEvent } from "@fieldlog/events";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { EventCursor, EventFeeds } from "./events.js";
import { Slots } from "./slots.js";

let servers: TestServers;
let log: EventLog;
const logger = { warn: () => undefined, error: () => undefined };

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

const event = (device: string, identity: string) =>
  toBinary(
    signals.SignalSchema,
    create(signals.SignalSchema, { device, identity, body: { case: "event", value: { name: identity } } }),
  );

const messageTo = (device: string) =>
  toBinary(
    signals.SignalSchema,
    create(signals.SignalSchema, {
      device: "key:1",
      publication: create(signals.PublicationSchema, { topic: `${deviceBoundTopic("n", device)}/` }),
      body: { case: "message", value: create(signals.MessageSchema) },
    }),
  );

it("a cursor shows nothing of an erased device, and everything of the others, whether it is behind or not", async () => {
  const namespace = { id: "n", name: "n" };
  const appended: Promise<number>[] = [];
  const sent = await log.signals.append("n", messageTo("d1"));
  const sentToOther = await log.signals.append("n", messageTo("d0"));
  for (let i = 0; i < 300; i++) appended.push(log.signals.append("n", event(`d${i % 3}`, `e${i}`)));
  await Promise.all(appended);
  const feeds = new EventFeeds({ log, logger });
  const readers = new Slots(2);
  const follow = (after: number) => {
    const got: string[] = [];
    const sink = {
      hasRoom: () => true,
      roomed: async () => true,
      deliver: ({ device, name }: LoggedEvent) => void got.push(`${device} ${name}`),
    };
    const cursor = new EventCursor(
      { log, feeds, namespace, filters: [create(registry.EventFilterSchema)], sink, readers, logger },
      after,
    );
    cursor.start();
    return { got, cursor };
  };
  const before = follow(0);
  await until("all is there", () => before.got.length === 300);

  const part = { namespace: "n", device: "d1" };
  const registryBefore = await log.clearings.record(part, "test");
  const signalsBefore = await log.clearings.mark(part);
  await log.clearings.record({ ...part, signalsBefore, registryBefore }, "test");
  // Of nothing that was purged: a gap in SIGNALS would be one.
  expect(await log.clearings.below(SIGNALS)).toBe(0);
  await log.signals.append("n", event("d2", "last"));
  await until("it goes on", () => before.got.at(-1) === "d2 last");

  for (const all of [feeds, new EventFeeds({ log, logger })]) {
    const got: string[] = [];
    const sink = {
      hasRoom: () => true,
      roomed: async () => true,
      deliver: (one: { device: string }) => void got.push(one.device),
    };
    const cursor = new EventCursor(
      { log, feeds: all, namespace, filters: [create(registry.EventFilterSchema)], sink, readers, logger },
      0,
    );
    cursor.start();
    await until("the others' are there", () => got.length === 201);
    expect(got).not.toContain("d1");
    expect(got.filter((device) => device === "d0")).toHaveLength(100);
    await until(
      "its place is at the end",
      async () => sequenceOf(cursor.position) === (await log.lastSequence(SIGNALS)),
    );
    expect(cursor.position).toBe(endOf(await log.lastSequence(SIGNALS)));
    cursor.end();
    if (all !== feeds) await all.stop();
  }
  for (const [position, left] of [
    [sent, undefined],
    [sentToOther, "message"],
  ] as const) {
    const data = (await log.get(SIGNALS, sequenceOf(position))) ?? new Uint8Array();
    const [shown] = decodeBatch(feeds.erased.without("n", sequenceOf(position), data));
    expect(shown?.body.case).toBe(left);
  }
  before.cursor.end();
  await feeds.stop();
});
