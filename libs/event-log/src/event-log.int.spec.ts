import { create, toBinary } from "@bufbuild/protobuf";
import { REGISTRY, SIGNALS, sequenceOf, signals } from "@fieldlog/contracts";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { decodeBatch } from "./batch.js";
import { LogGap, LogUnavailable, SequenceConflict } from "./errors.js";
import { connectLog, type EventLog, type LogOptions } from "./event-log.js";

let servers: TestServers;
const open: EventLog[] = [];

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());
afterEach(async () => {
  for (const log of open.splice(0)) await log.close();
});

async function connect(options: Partial<LogOptions> = {}): Promise<EventLog> {
  const { url, monitorUrl } = servers.nats;
  const log = await connectLog({ url, monitorUrl, name: "test", ...options });
  open.push(log);
  return log;
}

const signal = (identity: string, device = "d") =>
  toBinary(signals.SignalSchema, create(signals.SignalSchema, { device, identity }));

const aggregate = (id: string) => ({ namespace: "test", kind: "api-key", id }) as const;
const decision: Parameters<EventLog["registry"]["append"]>[1] = {
  events: [{ event: { case: "apiKeyRevoked", value: {} } }],
  decidedAt: 1n,
  decidedBy: "system",
};

/** Identities in SIGNALS after a sequence, in order. */
async function identities(log: EventLog, after: number): Promise<string[]> {
  const end = await log.lastSequence(SIGNALS);
  const found: string[] = [];
  if (end === after) return found;
  for await (const commits of log.read(SIGNALS, { after })) {
    for (const commit of commits) found.push(...decodeBatch(commit.data).map((each) => each.identity));
    if ((commits.at(-1)?.sequence ?? 0) >= end) break;
  }
  return found;
}

describe("the event log", () => {
  it("says that the server flushes before it acknowledges", async () => {
    expect((await connect()).durability).toEqual({ mode: "flushed" });
  });

  it("gives increasing positions, and reads back what was appended in that order", async () => {
    const log = await connect();
    const before = await log.lastSequence(SIGNALS);
    const ids = Array.from({ length: 5_000 }, (_, i) => `a${i}`);
    const positions = await Promise.all(ids.map((id) => log.signals.append("test", signal(id))));
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(new Set(positions).size).toBe(ids.length);
    // Bounded by count: 4096 and the rest.
    expect(new Set(positions.map(sequenceOf)).size).toBe(2);
    expect(await identities(log, before)).toEqual(ids);
  });

  it("delivers to a waiting reader what is appended later", async () => {
    const log = await connect();
    const reader = log.read(SIGNALS, { after: await log.lastSequence(SIGNALS) });
    const next = reader.next();
    await log.signals.append("test", signal("live"));
    const commits = (await next).value ?? [];
    expect(commits.flatMap((commit) => decodeBatch(commit.data)).map((each) => each.identity)).toEqual([
      "live",
    ]);
    await reader.return();
  });

  it("ends a reading on request, also while it waits", async () => {
    const log = await connect();
    const abort = new AbortController();
    const reader = log.read(SIGNALS, { after: await log.lastSequence(SIGNALS), signal: abort.signal });
    const next = reader.next();
    setTimeout(() => abort.abort(), 200);
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it("reads from a time on, and knows where that begins", async () => {
    const log = await connect();
    await log.signals.append("test", signal("old"));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startTime = new Date();
    const before = await log.lastSequence(SIGNALS);
    await log.signals.append("test", signal("new"));
    expect(await log.sequenceBefore(SIGNALS, startTime)).toBe(before);
    expect(await log.sequenceBefore(SIGNALS, new Date(0))).toBe(0);
    expect(await log.sequenceBefore(SIGNALS, new Date(Date.now() + 60_000))).toBe(before + 1);
    const reader = log.read(SIGNALS, { after: 0, startTime });
    const commits = (await reader.next()).value ?? [];
    expect(commits.flatMap((commit) => decodeBatch(commit.data)).map((each) => each.identity)).toEqual([
      "new",
    ]);
    await reader.return();
  });

  it("lets one of two writers of an aggregate win", async () => {
    const log = await connect();
    const first = await log.registry.append(aggregate("race"), decision, 0);
    const race = await Promise.allSettled([
      log.registry.append(aggregate("race"), decision, first),
      log.registry.append(aggregate("race"), decision, first),
    ]);
    const lost = race.filter((result) => result.status === "rejected");
    expect(lost).toHaveLength(1);
    expect(lost[0]?.reason).toBeInstanceOf(SequenceConflict);
  });

  it("reads one aggregate's decisions among others', after a sequence", async () => {
    const log = await connect();
    const one = await log.registry.append(aggregate("read"), decision, 0);
    await log.registry.append(aggregate("other"), decision, 0);
    const two = await log.registry.append(aggregate("read"), decision, one);
    const sequences = async (after: number) =>
      (await log.registry.read(aggregate("read"), after)).map((each) => each.sequence);
    expect(await sequences(0)).toEqual([one, two]);
    expect(await sequences(one)).toEqual([two]);
    expect(await sequences(two)).toEqual([]);
    expect(await log.registry.read(aggregate("nobody"), 0)).toEqual([]);
    expect(await log.registry.at(two)).toEqual(
      (await log.registry.read(aggregate("read"), one))[0]?.decision,
    );
    expect(await log.registry.at(two + 1_000)).toBeUndefined();
  });

  it("refuses while NATS is away, and goes on by itself when it is back", async () => {
    const log = await connect();
    await servers.nats.kill();
    await expect(log.signals.append("test", signal("lost"))).rejects.toBeInstanceOf(LogUnavailable);
    expect(await log.ready()).toMatch(/not connected/);
    // Known to be away: refused at once, not after a time-out.
    const asked = performance.now();
    await expect(log.signals.append("test", signal("lost"))).rejects.toBeInstanceOf(LogUnavailable);
    expect(performance.now() - asked).toBeLessThan(1_000);
    await servers.nats.start();
    await expect.poll(() => log.ready(), { timeout: 60_000 }).toBeUndefined();
    const before = await log.lastSequence(SIGNALS);
    await log.signals.append("test", signal("kept"));
    expect(await identities(log, before)).toEqual(["kept"]);
  });

  it("goes on reading without a gap or a repetition when NATS is killed under it", async () => {
    const log = await connect();
    const reading = await connect();
    const after = await log.lastSequence(SIGNALS);
    const abort = new AbortController();
    const seen: string[] = [];
    const reader = (async () => {
      for await (const commits of reading.read(SIGNALS, { after, signal: abort.signal })) {
        for (const commit of commits) seen.push(...decodeBatch(commit.data).map((each) => each.identity));
      }
    })();
    const acknowledged: string[] = [];
    for (let i = 0; i < 300; i++) {
      if (i === 100) {
        await servers.nats.kill();
        await servers.nats.start();
      }
      // As a sender does: again until it is acknowledged.
      while (true) {
        try {
          await log.signals.append("test", signal(`k${i}`));
          acknowledged.push(`k${i}`);
          break;
        } catch (error) {
          expect(error).toBeInstanceOf(LogUnavailable);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    }
    await expect.poll(() => seen.at(-1), { timeout: 60_000 }).toBe(acknowledged.at(-1));
    abort.abort();
    await reader;
    expect(seen).toEqual(await identities(log, after));
    expect([...new Set(seen)]).toEqual(acknowledged);
  });

  it("refuses to read past the end of a log that has lost its tail", async () => {
    const log = await connect();
    const end = await log.lastSequence(REGISTRY);
    await expect(log.read(REGISTRY, { after: end + 10 }).next()).rejects.toBeInstanceOf(LogGap);
  });

  it("refuses what does not fit, and discards nothing, when the log is full", async () => {
    const log = await connect({ signalsMaxBytes: 1 });
    const before = await log.lastSequence(SIGNALS);
    await expect(log.signals.append("test", signal("full"))).rejects.toMatchObject({
      name: "LogUnavailable",
      retryAfterS: 10,
    });
    expect(await log.lastSequence(SIGNALS)).toBe(before);
    const roomy = await connect({ signalsMaxBytes: -1 });
    await roomy.signals.append("test", signal("fits"));
    expect(await identities(roomy, before)).toEqual(["fits"]);
  });

  it("stores each signal by itself where it is told to, for comparison", async () => {
    const log = await connect({ commit: "single" });
    const positions = await Promise.all([1, 2, 3].map((i) => log.signals.append("test", signal(`s${i}`))));
    expect(new Set(positions.map(sequenceOf)).size).toBe(3);
  });
});
