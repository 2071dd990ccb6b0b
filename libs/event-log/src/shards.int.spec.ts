import { create, toBinary } from "@bufbuild/protobuf";
import {
  idInShard,
  REGISTRY,
  SIGNALS,
  sequenceOf,
  signals,
  signalsStream,
  signalsSubject,
} from "@fieldlog/contracts";
import { startServers, type TestServers } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decodeBatch } from "./batch.js";
import { LogUnavailable } from "./errors.js";
import { connectLog, type EventLog } from "./event-log.js";

const UUID = "81bf7042-e20f-4a97-ac44-c15853e3618f";
const SECOND = idInShard(UUID, 1);
const STREAM = signalsStream(SECOND);

let servers: TestServers;
let log: EventLog;
beforeAll(async () => {
  servers = await startServers();
  // As it is before there is a second shard.
  const before = await connectLog({ url: servers.nats.url, name: "before" });
  await before.signals.append("first", said("a"));
  await expect(before.signals.append(SECOND, said("none"))).rejects.toThrow(LogUnavailable);
  await before.close();
  log = await connectLog({ url: servers.nats.url, name: "shards", shards: 2 });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

function said(identity: string): Uint8Array {
  return toBinary(signals.SignalSchema, create(signals.SignalSchema, { device: "d", identity }));
}

async function read(stream: "SIGNALS" | `SIGNALS_${number}`): Promise<string[]> {
  const found: string[] = [];
  const until = await log.lastSequence(stream);
  for await (const commits of log.read(stream, { after: 0, until })) {
    for (const { subject, data } of commits) {
      found.push(...decodeBatch(data).map(({ identity }) => `${subject} ${identity}`));
    }
  }
  return found;
}

it("each namespace's signals lie in its shard's stream, with positions of that", async () => {
  expect(log.signalsStreams).toEqual(["SIGNALS", "SIGNALS_1"]);
  expect(sequenceOf(await log.signals.append("first", said("b")))).toBe(2);
  expect(sequenceOf(await log.signals.append(SECOND, said("c")))).toBe(1);
  expect(sequenceOf(await log.signals.append(SECOND, said("d")))).toBe(2);
  expect(await read(SIGNALS)).toEqual(["signals.first a", "signals.first b"]);
  expect(await read(STREAM)).toEqual([`signals_1.${SECOND} c`, `signals_1.${SECOND} d`]);
  expect([await log.settledEnd(SIGNALS), await log.settledEnd(STREAM)]).toEqual([2, 2]);
  expect(await log.ready()).toBeUndefined();
});

it("clearing a namespace leaves no hole that nobody knows of, and nothing of it in another shard", async () => {
  const other = idInShard("00000000-0000-4000-8000-000000000000", 1);
  await log.signals.append(other, said("e"));
  const { clearings } = log;
  const registryBefore = await clearings.record({ namespace: SECOND }, "test");
  const signalsBefore = await clearings.mark({ namespace: SECOND });
  await clearings.record({ namespace: SECOND, signalsBefore, registryBefore }, "test");
  expect([await clearings.below(SIGNALS), await clearings.below(STREAM)]).toEqual([0, signalsBefore]);
  await expect(clearings.purge(SIGNALS, signalsSubject("first"), 2)).rejects.toThrow(RangeError);
  expect(await clearings.purge(STREAM, signalsSubject(SECOND), signalsBefore)).toBe(2);
  const [left, mark = ""] = await read(STREAM);
  expect([left, mark.split(" ")[0]]).toEqual([`signals_1.${other} e`, `signals_1.${SECOND}`]);
  expect(await read(SIGNALS)).toHaveLength(2);
  // What is cleared in the first shard later takes nothing back of what is known of the second.
  const told = await clearings.record({ namespace: "first" }, "test");
  const marked = await clearings.mark({ namespace: "first" });
  await clearings.record({ namespace: "first", signalsBefore: marked, registryBefore: told }, "test");
  expect([await clearings.below(SIGNALS), await clearings.below(STREAM)]).toEqual([marked, signalsBefore]);
  expect(await clearings.below(REGISTRY)).toBeGreaterThan(told);
});
