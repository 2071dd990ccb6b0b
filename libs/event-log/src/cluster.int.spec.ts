import { rm } from "node:fs/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { type RunningNats, startNatsCluster } from "@fieldlog/servers";
import { temporaryDir, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeBatch } from "./batch.js";
import { LogUnavailable } from "./errors.js";
import { connectLog, type EventLog } from "./event-log.js";

let servers: RunningNats[] = [];
let log: EventLog;
let dataDir = "";

beforeAll(async () => {
  dataDir = await temporaryDir();
  servers = await startNatsCluster({ dataDir, size: 3, syncAlways: false });
  log = await connectLog({ url: servers.map(({ url }) => url).join(","), name: "test", replicas: 3 });
});
afterAll(async () => {
  for (const server of servers) server.resume();
  await log?.close();
  await Promise.all(servers.map((server) => server.stop()));
  await rm(dataDir, { recursive: true, force: true });
});

const event = (identity: string, name = "") =>
  toBinary(
    signals.SignalSchema,
    create(signals.SignalSchema, { device: "d", identity, body: { case: "event", value: { name } } }),
  );

async function kept(until: number): Promise<string[]> {
  const found: string[] = [];
  for await (const commits of log.read(SIGNALS, { after: 0, subject: signalsSubject("kept"), until })) {
    for (const { data } of commits) found.push(...decodeBatch(data).map(({ identity }) => identity));
  }
  return found;
}

describe("a log of three copies", () => {
  it("gives all that it has up to a sequence, also while a copy is behind", async () => {
    const expected: string[] = [];
    for (const behind of servers) {
      behind.pause();
      const noise = event("noise", "x".repeat(100_000));
      for (let i = 0; i < 200; i++) await until("stored", () => log.signals.append("noise", noise));
      const identity = `behind ${expected.length}`;
      await until("stored", () => log.signals.append("kept", event(identity)));
      expected.push(identity);
      behind.resume();
      for (let reading = 0; reading < 8; reading++) {
        const end = await until("the end", () => log.settledEnd(SIGNALS));
        expect([...new Set(await kept(end))]).toEqual(expected);
      }
    }
  }, 180_000);

  it("has an end that most of its servers agree on", async () => {
    const before = await log.lastSequence(SIGNALS);
    const end = await log.settledEnd(SIGNALS);
    expect(end).toBeGreaterThan(before);
    expect(decodeBatch((await log.get(SIGNALS, end)) ?? new Uint8Array())).toEqual([]);
    const connectedTo = servers.filter(
      ({ url }) => !url.endsWith(log.connection.getServer().split(":")[1] ?? ""),
    );
    for (const other of connectedTo) other.pause();
    await expect(log.settledEnd(SIGNALS)).rejects.toThrow(LogUnavailable);
    for (const other of connectedTo) other.resume();
    await until("they agree again", async () => (await log.settledEnd(SIGNALS)) > end);
  }, 120_000);
});
