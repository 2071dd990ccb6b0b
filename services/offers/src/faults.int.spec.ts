import { createHash, randomUUID } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import { registry, SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startProcess } from "./process.fixture.js";
import { type Replica, startReplica, startSettings } from "./replica.fixture.js";

const UPLOADS = 40;

let servers: TestServers;
let log: EventLog;
let settings: Awaited<ReturnType<typeof startSettings>>;
let replica: Replica;
let database: string;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  settings = await startSettings(new Map([["default", { offers: "all" }]]));
  database = await servers.databaseUrl("offers");
  replica = await startReplica(servers.nats.url, database, settings.address);
  await until("its tables are made", () => replica.client.listOpenRequests({ namespace: "default" }));
});
afterAll(async () => {
  await replica?.close();
  await settings?.stop();
  await log?.close();
  await servers?.stop();
});

/** Uploads something; returns the upload's id. */
async function upload(): Promise<string> {
  const { client } = replica;
  const offers = [{ sensor: "0", format: "data-record" }];
  const identity = randomUUID();
  const { answers } = await client.offer({ namespace: "default", device: "17", identity, offers });
  const { token = "", upload = "" } = answers[0] ?? {};
  await client.startUpload({ token });
  const sha256 = createHash("sha256").update(identity).digest();
  const stored = create(registry.UploadStoredSchema, {
    bytes: 1n,
    sha256,
    objects: ["default/a"],
    objectBytes: [1n],
  });
  await client.finishUpload({ token, stored });
  return upload;
}

async function told(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  const until = await log.lastSequence(SIGNALS);
  if (until === 0) return found;
  for await (const commits of log.read(SIGNALS, { after: 0, until, subject: signalsSubject("default") })) {
    for (const { data } of commits) {
      for (const { identity, digest } of fromBinary(signals.SignalBatchSchema, data).signals) {
        found.set(identity, (found.get(identity) ?? new Set()).add(Buffer.from(digest).toString("hex")));
      }
    }
  }
  return found;
}

it("tells of every upload, though replicas that were about to are killed again and again", async () => {
  const ids: string[] = [];
  for (let round = 0; round < 3; round++) {
    const doomed = await startProcess(servers.nats.url, database, settings.address);
    const uploads = Array.from({ length: UPLOADS }, () => upload());
    await uploads[0];
    await doomed.kill();
    ids.push(...(await Promise.all(uploads)));
  }
  const identities = ids.map((id) => `offers/uploaded/${id}`);
  await until("all are told", async () => {
    const found = await told();
    return identities.every((identity) => found.has(identity));
  });
  // What is told again is the same.
  for (const contents of (await told()).values()) expect(contents.size).toBe(1);
  expect(new Set(identities).size).toBe(3 * UPLOADS);
});
