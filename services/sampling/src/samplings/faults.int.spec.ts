import { fromBinary } from "@bufbuild/protobuf";
import { SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { RemoteHost } from "@fieldlog/remote";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startProcess } from "../process.fixture.js";
import { type Replica, startDevices, startReplica } from "../replica.fixture.js";

const NAMESPACE = "default";
const DEVICES = Array.from({ length: 12 }, (_, i) => `device ${i}`);
const STEPS = ["accepted", "started", "processing", "reading", "uploading", "finished"];

let servers: TestServers;
let log: EventLog;
let devices: Awaited<ReturnType<typeof startDevices>>;
let database: string;
let replica: Replica;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  devices = await startDevices(new Map());
  database = await servers.databaseUrl("sampling");
});
afterAll(async () => {
  await replica?.close();
  await devices?.stop();
  await log?.close();
  await servers?.stop();
});

/** Two samplings, each through all of its steps. */
async function sample(device: string): Promise<void> {
  const connection = `of ${device}`;
  const of = { namespace: NAMESPACE, device };
  new RemoteHost(log.connection).hold({ ...of, connection, connectedAt: 1 }, () => ({
    status: { connection, sensors: [] },
  }));
  await log.connection.flush();
  const asked = { label: "x", lengthMs: 10, intervalMs: 1, category: "training" };
  for (let i = 0; i < 2; i++) {
    await replica.client.requestSampling({ ...of, asked });
    for (const step of STEPS) await replica.client.reportStep({ ...of, connection, step });
  }
}

/** What is told of each device, in order; what is told again is what it was. */
async function told(): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const known = new Map<string, string>();
  const last = await log.lastSequence(SIGNALS);
  if (last === 0) return found;
  const commits = log.read(SIGNALS, { after: 0, until: last, subject: signalsSubject(NAMESPACE) });
  for await (const batch of commits) {
    for (const { data } of batch) {
      for (const { device, identity, digest, body } of fromBinary(signals.SignalBatchSchema, data).signals) {
        if (body.case !== "event") continue;
        const content = Buffer.from(digest).toString("hex");
        expect(known.get(identity) ?? content).toBe(content);
        if (known.has(identity)) continue;
        known.set(identity, content);
        found.set(device, [...(found.get(device) ?? []), body.value.name]);
      }
    }
  }
  return found;
}

it("tells every step of every device in order, though the replica that tells is killed", async () => {
  const doomed = await startProcess(servers.nats.url, database, devices.address);
  replica = await startReplica(servers.nats.url, database, devices.address);
  await until("its tables are made", () => replica.client.listSamplings({ namespace: NAMESPACE, limit: 1 }));
  const all = Promise.all(DEVICES.map(sample));
  await until("something is told", async () => (await told()).size > 0);
  await doomed.kill();
  await all;
  const names = ["Sent", "Accepted", "Started", "Processing", "Reading", "Uploading", "Finished"];
  const expected = [...names, ...names].map((name) => `Sampling${name}`);
  await until("all is told", async () => {
    const found = await told();
    return DEVICES.every((device) => found.get(device)?.length === expected.length);
  });
  for (const events of (await told()).values()) expect(events).toEqual(expected);
});
