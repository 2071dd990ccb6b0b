import { randomUUID } from "node:crypto";
import { REGISTRY, registryOfNamespace } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "../replica.fixture.js";

const NAME = "roofs";

let servers: TestServers;
let log: EventLog;
let database = "";
let replicas: Replica[];
let namespace = "";

const start = async () => {
  const replica = await startReplica(servers.nats.url, database);
  await until("ready", async () => (await replica.runtime.health.report()).ready);
  return replica;
};
beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  database = await servers.databaseUrl("fleet");
  replicas = [await start(), await start()];
});
afterAll(async () => {
  for (const replica of replicas ?? []) await replica.close();
  await log?.close();
  await servers?.stop();
});
beforeEach(() => {
  namespace = randomUUID();
});

const one = () => (replicas[0] as Replica).properties;
const other = () => (replicas.at(-1) as Replica).properties;

/** A device with tags. */
async function device(tags: object = { site: "roof" }): Promise<string> {
  const { client } = replicas[0] as Replica;
  const made = await client.registerDevice({ namespace, dialect: "csn", metadata: {}, sensors: [] });
  const id = made.device?.id ?? "";
  await one().changeTags({ namespace, device: id, patchJson: JSON.stringify(tags) });
  return id;
}

const set = (desired: object, more: object = {}) =>
  one().setFleetTemplate({
    ...{ namespace, name: NAME, decidedBy: "key:k" },
    set: { tagsJson: '{"site":"roof"}', desiredJson: JSON.stringify(desired), ...more },
  });

/** What is shown of the template and its devices. */
async function asShown() {
  const { template, devices } = await other().getFleetTemplate({ namespace, name: NAME });
  return { template, devices, states: devices.map(({ state }) => state), applied: Number(template?.applied) };
}

/** The same, once it is so: counts are read before devices, and may be older. */
async function shown(condition: (at: { states: string[]; applied: number }) => boolean) {
  await until("the template is so far", async () => condition(await asShown()));
  return asShown();
}
const allAre =
  (state: string, count: number) =>
  ({ states }: { states: string[] }) =>
    states.length === count && states.every((each) => each === state);

const desiredOf = async (id: string) => {
  const { desired } = await other().getProperties({ namespace, device: id });
  return [JSON.parse(desired?.json ?? ""), Number(desired?.version)] as const;
};

describe("a fleet template", () => {
  it("comes to all devices with its tags, also to those that get them later, and to no other", async () => {
    const [first, second, elsewhere] = [await device(), await device(), await device({ site: "cellar" })];
    await one().changeDesired({ namespace, device: first, patchJson: '{"a":1,"rate":10}' });
    expect(await set({ rate: 60, a: null })).toMatchObject({ revision: 1 });
    await shown(allAre("applied", 2));
    expect(await desiredOf(first)).toEqual([{ rate: 60 }, 3]);
    expect(await desiredOf(second)).toEqual([{ rate: 60 }, 2]);
    expect(await desiredOf(elsewhere)).toEqual([{}, 1]);
    const { changes } = await other().listPropertyChanges({ namespace, device: second, limit: 1 });
    expect(changes).toMatchObject([{ fleetTemplate: NAME, changedBy: `fleet-template:${NAME}` }]);
    await one().changeTags({ namespace, device: elsewhere, patchJson: '{"site":"roof"}' });
    const all = await shown(allAre("applied", 3));
    expect(all.template).toMatchObject({ matching: 3n, applied: 3n, acknowledged: 0n, failed: 0n });
    expect(await desiredOf(elsewhere)).toEqual([{ rate: 60 }, 2]);
  });

  it("is acknowledged by who takes it, and failed by who says so or takes too long", async () => {
    const [takes, refuses, sleeps] = [await device(), await device(), await device()];
    // Longer than what the first two say takes.
    await set({ rate: 60 }, { takeWithinS: 5 });
    await shown(({ applied }) => applied === 3);
    await one().changeReported({ namespace, device: takes, patchJson: "{}", takenVersion: 2n });
    const said = '{"desiredError":{"version":2,"error":"no such rate"}}';
    await other().changeReported({ namespace, device: refuses, patchJson: said, takenVersion: 2n });
    const is = (state: string) => (all: { device: string; state: string }[]) =>
      all.filter((each) => each.state === state).map((each) => each.device);
    const over = await shown(({ states }) => states.join() === "failed,failed,acknowledged");
    expect(is("acknowledged")(over.devices)).toEqual([takes]);
    expect(over.devices).toContainEqual(expect.objectContaining({ device: refuses, error: "no such rate" }));
    expect(over.devices).toContainEqual(
      expect.objectContaining({ device: sleeps, error: expect.stringContaining("in time") }),
    );
    expect(over.template).toMatchObject({ applied: 3n, acknowledged: 1n, failed: 2n, stopped: false });
    await one().changeReported({ namespace, device: sleeps, patchJson: "{}", takenVersion: 2n });
    await shown(({ states }) => states.join() === "failed,acknowledged,acknowledged");
  });

  it("stops at as many failures as may be, and goes on only when it is set again", async () => {
    const broken = await device();
    await set({ rate: 60 }, { stopAfterFailures: 1 });
    await shown(allAre("applied", 1));
    const patchJson = '{"desiredError":{"version":2}}';
    await one().changeReported({ namespace, device: broken, patchJson });
    const { template } = await shown(allAre("failed", 1));
    expect(template).toMatchObject({ stopped: true, stoppedReason: expect.stringContaining("1 devices") });
    const late = await device();
    await one().changeReported({
      namespace,
      device: broken,
      patchJson: '{"desiredError":null}',
      takenVersion: 2n,
    });
    const still = await shown(({ states }) => states.join() === "waiting,acknowledged");
    expect(still.template).toMatchObject({ stopped: true, matching: 2n, applied: 1n });
    expect(await desiredOf(late)).toEqual([{}, 1]);
    expect(await set({ rate: 60 }, { stopAfterFailures: 1 })).toMatchObject({ revision: 2 });
    const again = await shown(({ applied }) => applied === 2);
    expect(again.states).toEqual(["applied", "acknowledged"]);
    expect(await desiredOf(late)).toEqual([{ rate: 60 }, 2]);
  });

  it("comes to those whose reports meet its conditions, as soon as they do, whatever else they are", async () => {
    const [low, high, silent, text] = [await device(), await device(), await device(), await device({})];
    const reports = (id: string, reported: object) =>
      one().changeReported({ namespace, device: id, patchJson: JSON.stringify(reported) });
    await reports(low, { battery: { level: 19.5 }, 'odd" key': 'it\'s "it"\n' });
    await reports(high, { battery: { level: 80 } });
    await reports(text, { battery: { level: "5" } });
    const reported = [
      { field: "battery.level", op: "<", value: 20 },
      { field: 'odd" key', op: "=", value: 'it\'s "it"\n' },
    ];
    await set({ rate: 600 }, { tagsJson: "{}", reportedJson: JSON.stringify(reported) });
    const first = await shown(allAre("applied", 1));
    expect(first.devices).toMatchObject([{ device: low }]);
    expect(first.template).toMatchObject({ matching: 1n, set: { reportedJson: JSON.stringify(reported) } });
    const less = JSON.stringify([...reported.slice(0, 1), { field: "seen", op: "!=", value: true }]);
    expect(await set({ rate: 600 }, { tagsJson: "{}", reportedJson: less })).toMatchObject({ revision: 2 });
    await reports(silent, { seen: false });
    await reports(high, { battery: { level: 3 }, seen: false });
    const second = await shown(({ states }) => states.length === 1);
    expect(second.devices).toMatchObject([{ device: high }]);
    expect(await desiredOf(text)).toEqual([{}, 1]);
    expect((await desiredOf(silent))[1]).toBe(1);
    for (const wrong of ["[1]", "{", '[{"field":"a","op":"~","value":1}]']) {
      const asked = set({ rate: 1 }, { reportedJson: wrong });
      await expect(asked).rejects.toMatchObject({ details: { field: "set.reported_json" } });
    }
  });

  it("tells its devices a page at a time, those of one state or all", async () => {
    const ids = (await Promise.all(Array.from({ length: 5 }, () => device()))).sort();
    await set({ rate: 60 });
    await shown(allAre("applied", 5));
    await one().changeReported({ namespace, device: ids[1] as string, patchJson: "{}", takenVersion: 2n });
    await shown(({ states }) => states.includes("acknowledged"));
    const page = async (state: string, limit: number, after = "") => {
      const asked = { namespace, name: NAME, state, limit, after };
      const { devices, next } = await other().listFleetDevices(asked);
      return [devices.map((each) => each.device), next] as const;
    };
    expect(await page("", 2)).toEqual([ids.slice(0, 2), ids[1]]);
    expect(await page("", 2, ids[3])).toEqual([ids.slice(4), ""]);
    expect(await page("acknowledged", 10)).toEqual([[ids[1]], ""]);
    const [first, next] = await page("applied", 2);
    expect(first).toEqual([ids[0], ids[2]]);
    expect(await page("applied", 2, next)).toEqual([[ids[3], ids[4]], ids[4]]);
    expect(await page("applied", 2, ids[4])).toEqual([[], ""]);
    for (const state of ["waiting", "failed", "gone"]) expect(await page(state, 2)).toEqual([[], ""]);
    await expect(page("none", 2)).rejects.toMatchObject({ details: { field: "state" } });
    await expect(page("", 1_001)).rejects.toMatchObject({ details: { field: "limit" } });
  });

  it("fails at a device that may want no more, and leaves out one that is gone", async () => {
    const [full, gone] = [await device(), await device()];
    const much = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`k${i}`, "x".repeat(4_000)]));
    await one().changeDesired({ namespace, device: full, patchJson: JSON.stringify(much) });
    await (replicas[0] as Replica).client.removeDevice({ namespace, device: gone });
    await set({ more: "x".repeat(4_000) });
    const { template, devices } = await shown(({ states }) => states.join() === "failed,gone");
    expect(devices).toMatchObject([
      { device: full, error: expect.stringContaining("bytes") },
      { device: gone },
    ]);
    expect(template).toMatchObject({ matching: 1n, applied: 0n, failed: 1n });
  });

  it("is stopped and removed by people, and refused where it makes no sense", async () => {
    await set({ rate: 60 });
    await other().stopFleetTemplate({ namespace, name: NAME, reason: "enough" });
    const late = await device();
    const { template } = await shown(allAre("waiting", 1));
    expect(template).toMatchObject({ stopped: true, stoppedReason: "enough", set: { takeWithinS: 86_400 } });
    await other().removeFleetTemplate({ namespace, name: NAME });
    const sequence = await log.lastSequence(REGISTRY);
    const asked = { namespace, atLeast: BigInt(sequence) };
    expect((await one().listFleetTemplates(asked)).templates).toEqual([]);
    await expect(one().getFleetTemplate({ ...asked, name: NAME })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(one().stopFleetTemplate({ namespace, name: "none" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect(await desiredOf(late)).toEqual([{}, 1]);
    for (const wrong of [{ tagsJson: "{}" }, { tagsJson: '{"a":{}}' }, { stopAfterFailures: 0 }]) {
      await expect(set({ rate: 1 }, wrong)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    await expect(set({})).rejects.toMatchObject({ details: { field: "set.desired_json" } });
  });

  it("stays when its namespace is cleared, and what became of it at devices goes", async () => {
    await device();
    await set({ rate: 60 });
    await shown(allAre("applied", 1));
    const cleared = await log.clearings.record({ namespace }, "test");
    for (const kind of ["properties", "device"] as const) {
      await log.clearings.purge(REGISTRY, registryOfNamespace(namespace, kind), cleared);
    }
    const { template } = await shown(({ states }) => states.length === 0);
    expect(template).toMatchObject({ matching: 0n, applied: 0n, set: { revision: 1 } });
    await device();
    await shown(allAre("applied", 1));
  });

  it("goes on with the other replica when one ends", async () => {
    await device();
    await set({ rate: 60 });
    await shown(allAre("applied", 1));
    const [first, ...rest] = replicas;
    replicas = [...rest, await start()];
    await first?.close();
    const later = await device();
    await shown(allAre("applied", 2));
    expect(await desiredOf(later)).toEqual([{ rate: 60 }, 2]);
  });
});
