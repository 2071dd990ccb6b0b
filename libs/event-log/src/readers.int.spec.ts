import { create, toBinary } from "@bufbuild/protobuf";
import { SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { decodeBatch } from "./batch.js";
import { connectLog, type EventLog } from "./event-log.js";
import type { Handout } from "./group.js";
import type { ReadOptions } from "./read.js";

let servers: TestServers;
const open: EventLog[] = [];

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers.stop());
afterEach(async () => {
  for (const log of open.splice(0)) await log.close();
});

async function connect(): Promise<EventLog> {
  const log = await connectLog({ url: servers.nats.url, name: "test" });
  open.push(log);
  return log;
}

const signal = (identity: string) =>
  toBinary(signals.SignalSchema, create(signals.SignalSchema, { device: "d", identity }));

const identitiesOf = (data: Uint8Array) => decodeBatch(data).map((each) => each.identity);

describe("reading one namespace", () => {
  async function read(log: EventLog, options: ReadOptions): Promise<string[]> {
    const found: string[] = [];
    for await (const commits of log.read(SIGNALS, options)) {
      for (const commit of commits) found.push(...identitiesOf(commit.data));
    }
    return found;
  }

  it("gives only its commits, in order, and ends where it is told to", async () => {
    const log = await connect();
    const after = await log.lastSequence(SIGNALS);
    for (let i = 0; i < 200; i++) {
      await log.signals.append("one", signal(`a${i}`));
      await log.signals.append("two", signal(`b${i}`));
    }
    const until = await log.lastSequence(SIGNALS);
    const subject = signalsSubject("one");
    const all = Array.from({ length: 200 }, (_, i) => `a${i}`);
    expect(await read(log, { after, subject, until })).toEqual(all);
    expect(await read(log, { after, subject, until, pull: 7 })).toEqual(all);
    expect(await read(log, { after: until, subject, until })).toEqual([]);
    expect(await read(log, { after, subject: signalsSubject("nobody"), until })).toEqual([]);
    // The last sequence is another namespace's: nothing more is there nevertheless.
    expect(await read(log, { after: until - 2, subject, until })).toEqual(["a199"]);
  });

  it("goes on without a gap or a repetition when NATS is killed under it", async () => {
    const log = await connect();
    const reading = await connect();
    const after = await log.lastSequence(SIGNALS);
    const abort = new AbortController();
    const seen: string[] = [];
    const subject = signalsSubject("killed");
    const reader = (async () => {
      for await (const commits of reading.read(SIGNALS, { after, subject, signal: abort.signal })) {
        for (const commit of commits) seen.push(...identitiesOf(commit.data));
      }
    })();
    for (let i = 0; i < 100; i++) {
      if (i === 50) {
        await servers.nats.kill();
        await servers.nats.start();
      }
      await until("it is stored", async () => {
        await log.signals.append("killed", signal(`k${i}`));
        await log.signals.append("other", signal(`o${i}`));
        return true;
      });
    }
    await until("all is read", () => seen.at(-1) === "k99");
    abort.abort();
    await reader;
    expect([...new Set(seen)]).toEqual(Array.from({ length: 100 }, (_, i) => `k${i}`));
    expect(seen).toEqual(await read(log, { after, subject, until: await log.lastSequence(SIGNALS) }));
  });
});

describe("a group", () => {
  const options = { stream: SIGNALS, subject: signalsSubject("shared"), inactiveS: 60 } as const;

  function follow(group: Awaited<ReturnType<EventLog["group"]>>, take: (handout: Handout) => void) {
    const abort = new AbortController();
    const done = group.follow({ room: async () => 4, take, signal: abort.signal });
    return {
      stop: async () => {
        abort.abort();
        await done;
      },
    };
  }

  it("hands each commit to one of its readers", async () => {
    const log = await connect();
    const after = await log.lastSequence(SIGNALS);
    const seen: string[][] = [[], []];
    const readers = await Promise.all(
      seen.map(async (list) => {
        const group = await log.group({ ...options, name: "each-once", after });
        return follow(group, (handout) => {
          list.push(...identitiesOf(handout.data));
          handout.ack();
        });
      }),
    );
    for (let i = 0; i < 60; i++) {
      await log.signals.append("shared", signal(`${i}`));
      await log.signals.append("unrelated", signal(`u${i}`));
    }
    await until("all are seen", () => seen.flat().length >= 60);
    expect(seen.flat().sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 60 }, (_, i) => `${i}`),
    );
    expect(seen.every((list) => list.length > 0)).toBe(true);
    for (const reader of readers) await reader.stop();
  });

  it("hands out again what a reader gave back, and what one had when it stopped or died", async () => {
    const log = await connect();
    const after = await log.lastSequence(SIGNALS);
    const name = "again";
    const died = await connect();
    const kept: string[] = [];
    const dying = follow(await died.group({ ...options, name, after }), (handout) => {
      kept.push(...identitiesOf(handout.data));
    });
    for (const id of ["a", "b", "c"]) await log.signals.append("shared", signal(id));
    await until("they are held", () => kept.length === 3);
    await died.close();
    await dying.stop();

    const stopping: string[] = [];
    const second = follow(await log.group({ ...options, name, after: 0 }), (handout) => {
      expect(handout.again).toBe(true);
      stopping.push(...identitiesOf(handout.data));
    });
    await until("the dead one's are handed out", () => stopping.length === 3);
    await second.stop();

    const seen: string[] = [];
    const third = follow(await log.group({ ...options, name, after: 0 }), (handout) => {
      const ids = identitiesOf(handout.data);
      if (ids[0] === "b" && !seen.includes("b")) handout.giveBack();
      else handout.ack();
      seen.push(...ids);
    });
    await until("all were seen", () => seen.length === 4);
    expect([...seen].sort()).toEqual(["a", "b", "b", "c"]);
    await third.stop();
    expect(await log.idleGroups(SIGNALS, "aga")).toEqual([name]);
    await log.deleteGroup(SIGNALS, name);
    expect(await log.idleGroups(SIGNALS, "aga")).toEqual([]);
  });
});
