import { randomUUID } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { REGISTRY, registryOfNamespace, SIGNALS, signals, signalsSubject } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "../replica.fixture.js";

let servers: TestServers;
let log: EventLog;
let replicas: Replica[];
let namespace = "";
let device = "";

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  const database = await servers.databaseUrl("properties");
  replicas = [await startReplica(servers.nats.url, database), await startReplica(servers.nats.url, database)];
  for (const { runtime } of replicas) await until("ready", async () => (await runtime.health.report()).ready);
});
afterAll(async () => {
  for (const replica of replicas ?? []) await replica.close();
  await log?.close();
  await servers?.stop();
});
beforeEach(async () => {
  namespace = randomUUID();
  const made = await until("a device is made", () =>
    replicas[0]?.client.registerDevice({ namespace, dialect: "csn", metadata: {}, sensors: [] }),
  );
  device = made.device?.id ?? "";
});

const one = () => (replicas[0] as Replica).properties;
const other = () => (replicas[1] as Replica).properties;
const of = () => ({ namespace, device });
const desire = (json: string, more: object = {}) =>
  one().changeDesired({ ...of(), patchJson: json, ...more });

/** What is told of the device in the log, in order. */
async function told(): Promise<[name: string, data: unknown][]> {
  const last = await log.lastSequence(SIGNALS);
  if (last === 0) return [];
  const found: [string, unknown][] = [];
  const commits = log.read(SIGNALS, { after: 0, until: last, subject: signalsSubject(namespace) });
  for await (const batch of commits) {
    for (const { data } of batch) {
      for (const { body } of fromBinary(signals.SignalBatchSchema, data).signals) {
        if (body.case !== "event" || body.value.issuer !== "devices") continue;
        found.push([body.value.name, JSON.parse(Buffer.from(body.value.data).toString())]);
      }
    }
  }
  return found;
}

describe("a device's properties", () => {
  it("are changed on one replica and seen on the other, each with its version", async () => {
    const done = await desire('{"rate":10,"wifi":{"ssid":"x"}}');
    expect(done).toMatchObject({ changed: true, now: { version: 2n } });
    expect(await desire('{"rate":10}')).toMatchObject({ changed: false, patchJson: "{}" });
    const replaced = await desire('{"rate":20}', { replaces: true, expectedVersion: 2n });
    expect(JSON.parse(replaced.patchJson)).toEqual({ rate: 20, wifi: null });
    await other().changeReported({ ...of(), patchJson: '{"rate":20}', takenVersion: 3n });
    await other().changeTags({ ...of(), patchJson: '{"site":"roof"}' });
    const found = await other().getProperties(of());
    expect(found).toMatchObject({
      desired: { json: '{"rate":20}', version: 3n },
      reported: { json: '{"rate":20}', version: 2n },
      tags: { json: '{"site":"roof"}', version: 2n },
      takenVersion: 3n,
    });
  });

  it("are known as of any sequence and time, and so is who changed them", async () => {
    const first = await desire('{"a":1}', { decidedBy: "key:k" });
    const between = await until("a moment has passed", () => {
      const now = Date.now();
      return now > Number(first.now?.changedAt) ? now : undefined;
    });
    await until("another moment has passed", () => Date.now() > between);
    await desire('{"a":2,"b":3}');
    await one().changeTags({ ...of(), patchJson: '{"x":1}' });
    const then = [{ asOf: first.sequence }, { at: BigInt(between) }];
    for (const when of then) {
      expect(await other().getProperties({ ...of(), ...when })).toMatchObject({
        ...{ desired: { json: '{"a":1}', version: 2n }, tags: { json: "{}", version: 1n } },
      });
    }
    const { changes, next } = await other().listPropertyChanges({ ...of(), limit: 2 });
    expect(changes.map(({ kind, version }) => [kind, version])).toEqual([
      ["tags", 2n],
      ["desired", 3n],
    ]);
    const rest = await other().listPropertyChanges({ ...of(), limit: 2, ...(next ? { before: next } : {}) });
    expect(rest.changes).toMatchObject([{ changedBy: "key:k", patchJson: '{"a":1}' }]);
    const tags = await other().listPropertyChanges({ ...of(), limit: 9, kind: "tags" });
    expect(tags.changes).toHaveLength(1);
  });

  it("are told to subscribers, in order, as the device's events", async () => {
    await desire('{"a":1}');
    await other().changeReported({ ...of(), patchJson: '{"a":1}', takenVersion: 2n });
    await one().changeTags({ ...of(), patchJson: '{"site":"roof"}' });
    await desire('{"a":null}');
    const events = await until("all are told", async () => {
      const found = await told();
      return found.length < 4 ? undefined : found;
    });
    expect(events).toEqual([
      ["DesiredChanged", { version: 2, patch: { a: 1 } }],
      ["ReportedChanged", { version: 2, patch: { a: 1 }, takenVersion: 2 }],
      ["TagsChanged", { version: 2, patch: { site: "roof" } }],
      ["DesiredChanged", { version: 3, patch: { a: null } }],
    ]);
  });

  it("of no device, with a wrong value, or based on an older version are refused", async () => {
    const nobody = { namespace, device: "nobody", patchJson: "{}" };
    await expect(one().changeDesired(nobody)).rejects.toMatchObject({ code: "not_found" });
    await expect(one().getProperties(nobody)).rejects.toMatchObject({ code: "not_found" });
    await expect(desire('{"a.b":1}')).rejects.toMatchObject({
      ...{ code: "invalid_argument", details: { field: "patch_json" } },
    });
    await desire('{"a":1}');
    await expect(desire('{"a":2}', { expectedVersion: 1n })).rejects.toMatchObject({
      ...{ code: "aborted", details: { version: "2" } },
    });
  });

  it("are all there when many change them at once", async () => {
    const all = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? one() : other()));
    await Promise.all(
      all.map((client, i) => client.changeDesired({ ...of(), patchJson: JSON.stringify({ [`k${i}`]: i }) })),
    );
    const { desired } = await one().getProperties(of());
    expect([Object.keys(JSON.parse(desired?.json ?? "")).length, desired?.version]).toEqual([6, 7n]);
  });

  it("go with their namespace", async () => {
    await desire('{"a":1}');
    const cleared = await log.clearings.record({ namespace }, "test");
    for (const kind of ["properties", "device"] as const) {
      await log.clearings.purge(REGISTRY, registryOfNamespace(namespace, kind), cleared);
    }
    await until("they are gone", () =>
      one()
        .getProperties(of())
        .then(
          () => false,
          ({ code }) => code === "not_found",
        ),
    );
  });
});
