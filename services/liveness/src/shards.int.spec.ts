import { create } from "@bufbuild/protobuf";
import { idInShard, type SignalsStream, signals, signalsStream, signalsSubject } from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { encoded, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";

const UUID = "81bf7042-e20f-4a97-ac44-c15853e3618f";
const NAMESPACES = ["first", idInShard(UUID, 1)];

let servers: TestServers;
let log: EventLog;
let replica: Replica;
beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test", shards: 2 });
  replica = await startReplica(servers.nats.url, await servers.databaseUrl("shards"), 2);
});
afterAll(async () => {
  await replica?.close();
  await log?.close();
  await servers?.stop();
});

async function hears(namespace: string): Promise<void> {
  const decision = {
    events: [{ event: { case: "deviceRegistered" as const, value: { dialect: "csn", metadata: {} } } }],
    ...{ decidedAt: BigInt(Date.now()), decidedBy: "system" },
  };
  await log.registry.append({ namespace, kind: "device", id: "d" }, decision, 0);
  const beat = {
    device: "d",
    receivedAt: BigInt(Date.now()),
    body: { case: "heartbeat" as const, value: {} },
  };
  await log.signals.append(namespace, encoded(create(signals.SignalSchema, beat)));
}

/** Transitions in the stream, by subject. */
async function told(stream: SignalsStream): Promise<string[]> {
  const found: string[] = [];
  for await (const commits of log.read(stream, { after: 0, until: await log.lastSequence(stream) })) {
    for (const { subject, data } of commits) {
      const names = decodeBatch(data).flatMap(({ body }) => (body.case === "event" ? [body.value.name] : []));
      found.push(...names.map((name) => `${subject} ${name}`));
    }
  }
  return found;
}

it("each shard's devices are followed, told of in their own stream, and counted once", async () => {
  for (const namespace of NAMESPACES) await hears(namespace);
  for (const namespace of NAMESPACES) {
    const active = await until(`${namespace} is known`, async () => {
      const { devices } = await replica.client.listLiveness({ namespace, limit: 10 });
      return devices.length > 0 && devices;
    });
    expect(active).toMatchObject([{ device: "d", state: "active" }]);
    const stream = signalsStream(namespace);
    await until("it is told", async () => (await told(stream)).length > 0);
    expect(await told(stream)).toEqual([`${signalsSubject(namespace)} DeviceBecameActive`]);
  }
  const metrics = await replica.runtime.metrics.metrics();
  expect(metrics).toContain('fieldlog_liveness_devices{state="active"} 2\n');
  expect(metrics).toMatch(/^fieldlog_liveness_lag_commits \d+$/m);
});

it("what lies in a shard that is not served is refused, to be asked again", async () => {
  const asked = replica.client.listLiveness({ namespace: idInShard(UUID, 2), limit: 10 });
  await expect(asked).rejects.toMatchObject({ code: "unavailable" });
});
