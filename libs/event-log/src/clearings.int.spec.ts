import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AggregateId,
  CLEARING,
  REGISTRY,
  registrySubject,
  SIGNALS,
  signals,
  signalsSubject,
} from "@fieldlog/contracts";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clearedBy } from "./clearings.js";
import { LogGap } from "./errors.js";
import { connectLog, type EventLog } from "./event-log.js";
import type { Commit } from "./read.js";

let servers: TestServers;
let log: EventLog;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

const signal = (identity: string) =>
  toBinary(signals.SignalSchema, create(signals.SignalSchema, { device: "d", identity }));
const device = (namespace: string, id: string): AggregateId => ({ namespace, kind: "device", id });
const decision = { events: [], decidedAt: 1n, decidedBy: "test" };

async function all(stream: typeof SIGNALS | typeof REGISTRY, after: number): Promise<Commit[]> {
  const end = await log.lastSequence(stream);
  const found: Commit[] = [];
  for await (const commits of log.read(stream, { after })) {
    found.push(...commits);
    if ((found.at(-1)?.sequence ?? 0) >= end) break;
  }
  return found;
}

describe("clearing a namespace", () => {
  it("removes its commits, and readers pass over what is missing", async () => {
    const after = await log.lastSequence(SIGNALS);
    for (let i = 0; i < 20; i++) {
      await log.signals.append("gone", signal(`g${i}`));
      await log.signals.append("stays", signal(`s${i}`));
    }
    const mark = await log.clearings.mark({ namespace: "gone" });
    await log.signals.append("gone", signal("new"));
    // Not while nobody was told.
    await expect(log.clearings.purge(SIGNALS, signalsSubject("gone"), mark)).rejects.toThrow(RangeError);
    const first = await log.clearings.record({ namespace: "gone" }, "test");
    await log.clearings.record({ namespace: "gone", signalsBefore: mark, registryBefore: first }, "test");
    expect(await log.clearings.purge(SIGNALS, signalsSubject("gone"), mark)).toBe(20);
    expect(await log.clearings.purge(SIGNALS, signalsSubject("gone"), mark)).toBe(0);
    const read = await all(SIGNALS, after);
    expect(read.map(({ subject }) => subject).filter((one) => one.endsWith("stays"))).toHaveLength(20);
    expect(read.slice(-2).map((commit) => clearedBy(commit))).toEqual([{ namespace: "gone" }, undefined]);
    // Each one behind a gap says after which it comes.
    let last = after;
    for (const { sequence, after: before = sequence - 1 } of read) {
      expect(before).toBe(last);
      last = sequence;
    }
  });

  it("removes its decisions up to the one that tells of it, which holds the highest of all", async () => {
    const after = await log.lastSequence(REGISTRY);
    for (const id of ["a", "b"]) {
      await log.registry.append(device("gone", id), decision, 0);
      await log.registry.append(device("stays", id), decision, 0);
    }
    const both = async () => ({
      signals: await log.clearings.below(SIGNALS),
      registry: await log.clearings.below(REGISTRY),
    });
    const told = await log.clearings.record({ namespace: "gone" }, "test");
    expect(await log.clearings.purge(REGISTRY, "registry.gone.device.*", told)).toBe(2);
    const before = await both();
    await log.clearings.record({ namespace: "other", device: "d" }, "test");
    const below = await both();
    expect(below.signals).toBe(before.signals);
    expect(below.registry).toBeGreaterThan(before.registry);
    const read = await all(REGISTRY, after);
    expect(read.map(({ subject }) => subject)).toEqual([
      registrySubject(device("stays", "a")),
      registrySubject(device("stays", "b")),
      registrySubject(CLEARING),
      registrySubject(CLEARING),
    ]);
    expect(read.map((commit) => clearedBy(commit))).toEqual([
      undefined,
      undefined,
      { namespace: "gone" },
      { namespace: "other", device: "d" },
    ]);
  });

  it("purges a long stretch in steps, whatever stands between, and is done where there is nothing", async () => {
    const appended: Promise<number>[] = [];
    for (let i = 0; i < 30; i++) appended.push(log.signals.append(`long${i % 2}`, signal(`x${i}`)));
    await Promise.all(appended);
    const before = await log.lastSequence(SIGNALS);
    const first = await log.clearings.record({ namespace: "long0" }, "test");
    const mark = await log.clearings.mark({ namespace: "long0" });
    await log.clearings.record({ namespace: "long0", signalsBefore: mark, registryBefore: first }, "test");
    expect(await log.clearings.purge(SIGNALS, signalsSubject("nobody"), mark)).toBe(0);
    expect(await log.clearings.purge(SIGNALS, signalsSubject("long0"), mark)).toBeGreaterThan(0);
    const left = (await all(SIGNALS, 0)).filter(({ sequence }) => sequence <= before);
    expect(left.some(({ subject }) => subject === signalsSubject("long0"))).toBe(false);
    expect(left.some(({ subject }) => subject === signalsSubject("long1"))).toBe(true);
  });

  it("lets nothing else be missing", async () => {
    const after = await log.lastSequence(SIGNALS);
    for (let i = 0; i < 3; i++) await log.signals.append("lost", signal(`l${i}`));
    await log.signals.append("stays", signal("s"));
    const jsm = await jetstreamManager(log.connection);
    await jsm.streams.purge(SIGNALS, { filter: signalsSubject("lost"), seq: after + 3 });
    await expect(all(SIGNALS, after)).rejects.toThrow(LogGap);
  });

  it("is told by one of two at once after the other", async () => {
    const told = await Promise.all(
      [1, 2, 3, 4].map((i) => log.clearings.record({ namespace: `n${i}` }, "t")),
    );
    expect(new Set(told).size).toBe(4);
    expect(await log.clearings.below(REGISTRY)).toBe(Math.max(...told));
  });
});
