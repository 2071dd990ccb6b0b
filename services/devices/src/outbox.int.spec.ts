import { randomUUID } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { registry } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { openReadDatabase } from "@fieldlog/read-model";
import { type ServiceProcess, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { configurationSignal } from "./outbox/signal.js";
import { startProcess } from "./process.fixture.js";
import { type Replica, startReplica } from "./replica.fixture.js";
import { sentTo } from "./signals.fixture.js";

let servers: TestServers & { postgres: NonNullable<TestServers["postgres"]> };
let log: EventLog;
let databaseUrl: string;
const replicas = new Set<Replica>();
const processes = new Set<ServiceProcess>();

beforeAll(async () => {
  servers = await startServers({ ownPostgres: true });
  log = await connectLog({ url: servers.nats.url, name: "test" });
  databaseUrl = await servers.databaseUrl("devices");
});
afterEach(async () => {
  for (const process of processes) await process.kill();
  for (const replica of replicas) await replica.close();
  processes.clear();
  replicas.clear();
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

const namespace = "default";
type Recorded = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;

async function replica(): Promise<Replica> {
  const started = await startReplica(servers.nats.url, databaseUrl);
  replicas.add(started);
  return started;
}

function process(): ServiceProcess {
  const started = startProcess(servers.nats.url, databaseUrl);
  processes.add(started);
  return started;
}

/** A device with a history of its configuration, as a service leaves it that died after its last decision. */
async function left(...events: Recorded[]): Promise<string> {
  const device = randomUUID();
  const register = {
    case: "deviceRegistered" as const,
    value: { dialect: "tenta", metadata: { name: device } },
  };
  const decision = (event: Recorded) => ({
    events: [{ event }],
    decidedAt: BigInt(Date.now()),
    decidedBy: "key:1",
  });
  await log.registry.append({ namespace, kind: "device", id: device }, decision(register), 0);
  let sequence = 0;
  for (const event of events) {
    const id = { namespace, kind: "configuration", id: device } as const;
    sequence = await log.registry.append(id, decision(event), sequence);
  }
  return device;
}

const created = (revision: number): Recorded => ({
  case: "configurationCreated",
  value: { revision, valueJson: `{"of":${revision}}` },
});
const published = (revision: number): Recorded => ({ case: "configurationPublished", value: { revision } });

/** Revisions as they stand in SIGNALS, resends too. */
const sent = async (device: string) =>
  (await sentTo(log, namespace, device)).map(({ payload }) => payload.revision);
/** The same as readers have them that apply an identity once. */
const applied = async (device: string) => [...new Set(await sent(device))];
const decided = async (device: string) => {
  const decisions = await log.registry.read({ namespace, kind: "configuration", id: device }, 0);
  return decisions.flatMap(({ decision }) =>
    decision.events.flatMap(({ event }) =>
      event.case === "configurationPublished" ? [event.value.revision] : [],
    ),
  );
};
const allPublished = (device: string, revisions: readonly number[]) =>
  until(`${revisions.length} published`, async () => (await decided(device)).length >= revisions.length).then(
    async () => expect(await decided(device)).toEqual(revisions),
  );
const upTo = (count: number) => Array.from({ length: count }, (_, revision) => revision);

it("what was not published when the service ended is published when it starts, in order", async () => {
  const first = await left(created(0), created(1), created(2));
  const second = await left(created(0), published(0), created(1));
  const third = await left(created(0), published(0));
  const one = await replica();
  await allPublished(first, [0, 1, 2]);
  await allPublished(second, [0, 1]);
  expect([await sent(first), await sent(second), await sent(third)]).toEqual([[0, 1, 2], [1], []]);
  // Nothing of that is done again at the next start, nor by a second replica.
  await one.close();
  replicas.delete(one);
  const later = await replica();
  await replica();
  const last = await left(created(0));
  await allPublished(last, [0]);
  expect([await sent(first), await sent(second)]).toEqual([[0, 1, 2], [1]]);
  expect(await later.runtime.metrics.metrics()).toMatch(/^fieldlog_outbox_pending 0$/m);
});

it("what was appended but not decided comes again as the same message, and is decided once", async () => {
  const device = await left(created(0), created(1));
  const revision = { device, revision: 0, valueJson: '{"of":0}' };
  await log.signals.append(namespace, configurationSignal(revision, Date.now()));
  await replica();
  await allPublished(device, [0, 1]);
  const all = await sentTo(log, namespace, device);
  expect(all.map(({ identity }) => identity)).toEqual([
    "configuration/0",
    "configuration/0",
    "configuration/1",
  ]);
  expect(all[1]?.payload).toEqual(all[0]?.payload);
  expect(all[1]?.signal.digest).toEqual(all[0]?.signal.digest);
});

it("killed in the middle, another replica goes on: nothing is missing, and nothing is decided twice", async () => {
  const active = process();
  await active.logged("lease of outbox: held");
  const standby = await replica();
  await until("ready", async () => (await standby.runtime.health.report()).ready);
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push(await left());
  const post = async (device: string, count: number) => {
    for (let i = 0; i < count; i++) {
      await standby.client.createConfiguration({ namespace, device, valueJson: `{"of":${i}}` });
    }
  };
  const posting = Promise.all(ids.map((device) => post(device, 40)));
  await until("under way", async () => (await sent(ids[0] ?? "")).length >= 5);
  await active.kill();
  await posting;
  for (const device of ids) {
    await allPublished(device, upTo(40));
    expect(await applied(device)).toEqual(upTo(40));
  }
});

it("one that has lost its lease without noticing does no harm", async () => {
  const active = process();
  await active.logged("lease of outbox: held");
  const other = await replica();
  const device = await left(...upTo(20).map(created));
  await until("under way", async () => (await sent(device)).length > 0);
  active.signal("SIGSTOP");
  // Postgres gives up a session that does not answer; that takes it a while, here it is told to.
  const database = openReadDatabase({ url: databaseUrl, schema: "devices" });
  await database.pool.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fieldlog devices outbox' and pid in (select pid from pg_locks where locktype = 'advisory' and granted)",
  );
  await database.close();
  const next = await left(created(0));
  await allPublished(next, [0]);
  await allPublished(device, upTo(20));
  active.signal("SIGCONT");
  const last = await left(created(0), created(1));
  await allPublished(last, [0, 1]);
  expect(await applied(device)).toEqual(upTo(20));
  expect(await other.runtime.metrics.metrics()).toMatch(/^fieldlog_outbox_published_total [1-9]/m);
});

it("while Postgres is away nothing is published, and it goes on by itself", async () => {
  const one = await replica();
  await until("ready", async () => (await one.runtime.health.report()).ready);
  const before = await left(created(0));
  await allPublished(before, [0]);
  await servers.postgres.kill();
  await until("not ready", async () => !(await one.runtime.health.report()).ready);
  const meanwhile = await left(created(0), created(1));
  expect((await one.runtime.health.report()).checks["outbox"]).not.toBe("ok");
  await servers.postgres.start();
  await allPublished(meanwhile, [0, 1]);
  await until("ready", async () => (await one.runtime.health.report()).ready);
  expect(await sent(before)).toEqual([0]);
});

it("while the log takes no signals they wait, the service goes on, and they are published when it does", async () => {
  const full = await connectLog({ url: servers.nats.url, name: "full", signalsMaxBytes: 1 });
  await full.close();
  // A replica brings the streams in line with its own settings.
  const one = await startReplica(servers.nats.url, databaseUrl, { signalsMaxBytes: 1 });
  replicas.add(one);
  await until("ready", async () => (await one.runtime.health.report()).ready);
  const device = await left(created(0));
  await one.client.createConfiguration({ namespace, device, valueJson: '{"of":1}' });
  await until("tried", async () => /^fieldlog_outbox_pending 1$/m.test(await one.runtime.metrics.metrics()));
  expect(await decided(device)).toEqual([]);
  expect((await one.runtime.health.report()).checks["outbox"]).toBe("ok");
  const roomy = await connectLog({ url: servers.nats.url, name: "roomy" });
  await roomy.close();
  await allPublished(device, [0, 1]);
  expect(await sent(device)).toEqual([0, 1]);
});
