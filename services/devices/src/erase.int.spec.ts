import { Aggregates, Snapshots, type SnapshotTables } from "@fieldlog/aggregates";
import { REGISTRY, registrySubject, SIGNALS } from "@fieldlog/contracts";
import { type Commit, clearedBy, connectLog, type EventLog } from "@fieldlog/event-log";
import { openReadDatabase, type ReadDatabase } from "@fieldlog/read-model";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { configuration } from "./decisions/configuration.js";
import { device } from "./decisions/device.js";
import { readModel, SCHEMA } from "./read-model.js";
import { type Replica, startReplica, startSettings } from "./replica.fixture.js";
import { erase } from "./service/erase.js";

let servers: TestServers;
let settings: Awaited<ReturnType<typeof startSettings>>;
let log: EventLog;
let database: ReadDatabase<SnapshotTables>;
let snapshots: Snapshots;
let one: Replica;
const namespace = "default";
const some = new Map([["small", { limits: { devices: 2 } }]]);

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  settings = await startSettings(some);
  const { address: authGrpc } = settings;
  const url = await servers.databaseUrl("devices");
  one = await startReplica(servers.nats.url, url, { authGrpc });
  database = openReadDatabase({ url, schema: SCHEMA });
  snapshots = new Snapshots(database, readModel.version);
  await until("ready", async () => (await one.runtime.health.report()).ready);
});
afterAll(async () => {
  await one?.close();
  await settings?.stop();
  await database?.close();
  await log?.close();
  await servers?.stop();
});

async function all(stream: typeof REGISTRY | typeof SIGNALS): Promise<Commit[]> {
  const end = await log.lastSequence(stream);
  const found: Commit[] = [];
  for await (const commits of log.read(stream, { after: 0 })) {
    found.push(...commits);
    if ((found.at(-1)?.sequence ?? 0) >= end) break;
  }
  return found;
}

it("of an erased device nothing is left in the log but that it was erased; its name is free, its id is not", async () => {
  const { client } = one;
  const { device } = await client.createDevice({ namespace, dialect: "native", name: "cellar" });
  const id = device?.id ?? "";
  const { device: other } = await client.createDevice({ namespace, dialect: "native", name: "roof" });
  await client.createConfiguration({ namespace, device: id, valueJson: "{}" });
  await until("the configuration is published", async () => {
    expect((await all(SIGNALS)).length).toBeGreaterThan(0);
    return true;
  });

  const { sequence } = await client.eraseDevice({ namespace, device: id, decidedBy: "key:1" });
  const ofDevice = (await all(REGISTRY)).filter(({ subject }) => subject.endsWith(id));
  expect(ofDevice.map(({ subject }) => subject)).toEqual([
    registrySubject({ namespace, kind: "device", id }),
  ]);
  expect((await all(REGISTRY)).map((commit) => clearedBy(commit))).toContainEqual({ namespace, device: id });
  expect(clearedBy((await all(SIGNALS)).at(-1) as Commit)).toEqual({ namespace, device: id });
  await expect(client.getDevice({ namespace, device: id })).rejects.toMatchObject({ code: "not_found" });
  expect((await client.getDevice({ namespace, device: other?.id ?? "" })).device).toEqual(other);
  await client.createDevice({ namespace, dialect: "native", name: "cellar" });

  const again = await client.eraseDevice({ namespace, device: id, decidedBy: "key:1" });
  expect(again.sequence).toBeGreaterThan(sequence);
  await expect(client.getDevice({ namespace, device: id })).rejects.toMatchObject({ code: "not_found" });
  await expect(client.eraseDevice({ namespace, device: "nobody" })).rejects.toMatchObject({
    code: "not_found",
  });
});

it("what is decided on a device while it is erased goes as well, from the log and the tables", async () => {
  const { client } = one;
  const created = await client.createDevice({ namespace, dialect: "native", name: "late" });
  const id = created.device?.id ?? "";
  const subject = registrySubject({ namespace, kind: "configuration", id });
  const { clearings } = log;
  const recorded: number[] = [];
  const begunBefore = {
    record: async (...given: Parameters<typeof clearings.record>) => {
      recorded.push(await clearings.record(...given));
      if (recorded.length > 1) return recorded.at(-1) as number;
      const value = { revision: 0, valueJson: "{}" };
      const decision = {
        ...{ decidedAt: BigInt(Date.now()), decidedBy: "key:1" },
        events: [{ event: { case: "configurationCreated" as const, value } }],
      };
      await log.registry.append({ namespace, kind: "configuration", id }, decision, 0);
      return recorded[0] as number;
    },
    mark: (...given: Parameters<typeof clearings.mark>) => clearings.mark(...given),
    purge: (...given: Parameters<typeof clearings.purge>) => clearings.purge(...given),
    has: (...given: Parameters<typeof clearings.has>) => clearings.has(...given),
  };
  const parts = {
    aggregates: new Aggregates({ log, snapshots }),
    devices: {
      remove: async (...[of, which, decidedBy]: [string, string, string]) =>
        Number((await client.removeDevice({ namespace: of, device: which, decidedBy })).sequence),
    },
    clearings: begunBefore,
  };
  const { sequence, signalsBefore } = await erase(parts, namespace, id, "key:1");
  expect(await clearings.has(REGISTRY, subject)).toBe(false);
  expect((await all(REGISTRY)).filter((commit) => commit.subject.endsWith(id))).toHaveLength(1);
  // Twice all that is told: that it begins, and where it is in the signals.
  expect([recorded.length, sequence]).toEqual([4, recorded[2]]);
  expect((await all(SIGNALS)).at(-1)?.sequence).toBe(signalsBefore);
  const { device: next } = await client.createDevice({ namespace, dialect: "native", name: "next" });
  await until("the tables are so far", async () => {
    return (await snapshots.load(device, { namespace, id: next?.id ?? "" })) !== undefined;
  });
  expect(await snapshots.load(configuration, { namespace, id })).toBeUndefined();
});

it("a namespace has no more devices than its settings allow; a removed one makes room", async () => {
  const { client } = one;
  const made: string[] = [];
  const create = async () => {
    const name = `d${made.length}`;
    const { device } = await client.createDevice({ namespace: "small", dialect: "native", name });
    made.push(device?.id ?? "");
  };
  await create();
  await create();
  // The read model counts, so it may be a moment late.
  await until("refused", async () => {
    await expect(create()).rejects.toMatchObject({ code: "resource_exhausted" });
    return true;
  });
  const registering = client.registerDevice({ namespace: "small", dialect: "csn" });
  await expect(registering).rejects.toMatchObject({ code: "resource_exhausted" });
  for (const device of made.slice(1)) await client.removeDevice({ namespace: "small", device });
  await until("there is room", () => create().then(() => true));
});
