import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica, startSettings } from "./replica.fixture.js";

let servers: TestServers;
let settings: Awaited<ReturnType<typeof startSettings>>;
let log: EventLog;
let one: Replica;
let two: Replica;

beforeAll(async () => {
  servers = await startServers();
  const databaseUrl = await servers.databaseUrl("devices");
  log = await connectLog({ url: servers.nats.url, name: "test" });
  settings = await startSettings(uniqueIn);
  const { address: authGrpc } = settings;
  one = await startReplica(servers.nats.url, databaseUrl, { authGrpc });
  two = await startReplica(servers.nats.url, databaseUrl, { authGrpc });
  await until("ready", async () => (await one.runtime.health.report()).ready);
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await settings?.stop();
  await log?.close();
  await servers?.stop();
});

const namespace = "default";
/** Settings of namespaces; a replica believes them for 2 s. */
const uniqueIn = new Map([["unique", { uniqueDeviceNames: true }]]);
const either = (index: number) => (index % 2 === 0 ? one : two).client;
const create = async (name: string, index = 0, dialect = "tenta") => {
  const { device } = await either(index).createDevice({ namespace, dialect, name });
  if (!device) throw new Error("no device in the answer");
  return device;
};
const rename = (device: string, name: string, index = 0) =>
  either(index).renameDevice({ namespace, device, name });
const nameOf = async (device: string, index = 0) =>
  (await either(index).getDevice({ namespace, device })).device?.metadata?.name;

describe("creating a device", () => {
  it("gives it a UUID and its name, which the other replica knows at once", async () => {
    const device = await create("cellar-1", 0, "native");
    expect(device).toMatchObject({
      id: expect.stringMatching(/^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$/),
      dialect: "native",
      metadata: { name: "cellar-1" },
      sensors: [],
    });
    const found = await two.client.getDevice({ namespace, device: device.id });
    expect(found.device).toEqual(device);
    await expect(create("cellar-1", 1)).rejects.toMatchObject({ code: "already_exists" });
  });

  it("refuses what is no name, and dialects whose devices have none of their own", async () => {
    for (const name of ["", "-x", "X", "a".repeat(65)]) {
      await expect(create(name)).rejects.toMatchObject({
        code: "invalid_argument",
        details: { field: "name" },
      });
    }
    await expect(create("a", 0, "csn")).rejects.toMatchObject({ details: { field: "dialect" } });
    await expect(one.client.registerDevice({ namespace, dialect: "tenta" })).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "dialect" },
    });
  });

  it("under one name by many at once, through both replicas, succeeds once", async () => {
    const asked = Array.from({ length: 20 }, (_, index) => create("crowded", index));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "already_exists" });
    }
  });
});

describe("renaming", () => {
  it("frees the name that it had, and costs nothing where there is nothing to do", async () => {
    const { id } = await create("old");
    const { device } = await rename(id, "new", 1);
    expect(device?.metadata?.name).toBe("new");
    expect((await rename(id, "new")).device?.sequence).toBe(device?.sequence);
    await create("old");
    await expect(rename(id, "old")).rejects.toMatchObject({ code: "already_exists" });
    await expect(rename("nobody", "x")).rejects.toMatchObject({ code: "not_found" });
    await expect(rename(id, "x_")).rejects.toMatchObject({ details: { field: "name" } });
  });

  it("by many at once, to each other's names, leaves each name on one device", async () => {
    const names = ["r0", "r1", "r2", "r3", "r4", "r5"];
    const ids = (await Promise.all(names.slice(0, 4).map((name, index) => create(name, index)))).map(
      ({ id }) => id,
    );
    for (let round = 0; round < 5; round++) {
      const asked = ids.flatMap((id, index) =>
        [1, 2].map((step) => rename(id, names[(index + round + step) % 6] ?? "", index + step)),
      );
      for (const outcome of await Promise.allSettled(asked)) {
        if (outcome.status === "rejected") {
          expect(["already_exists", "aborted"]).toContain(outcome.reason.code);
        }
      }
      const held = await Promise.all(ids.map((id, index) => nameOf(id, index)));
      expect(new Set(held).size).toBe(ids.length);
      for (const name of held)
        await expect(create(name ?? "")).rejects.toMatchObject({ code: "already_exists" });
    }
  });

  it("that died half way is finished when it is asked again", async () => {
    const { id } = await create("before");
    // As the service leaves it that dies after it reserved the new name.
    const reserved = { event: { case: "deviceNameReserved" as const, value: { device: id } } };
    const decision = { events: [reserved], decidedAt: BigInt(Date.now()), decidedBy: "system" };
    await log.registry.append({ namespace, kind: "device-name", id: "after" }, decision, 0);
    await expect(create("after")).rejects.toMatchObject({ code: "already_exists" });
    await rename(id, "after");
    await create("before");
  });
});

describe("removing", () => {
  it("makes it unknown and its name free; asked twice succeeds twice", async () => {
    const { id } = await create("short-lived");
    const { sequence } = await one.client.removeDevice({ namespace, device: id, decidedBy: "key:1" });
    expect((await two.client.removeDevice({ namespace, device: id })).sequence).toBe(sequence);
    const gone = [nameOf(id), rename(id, "x"), one.client.updateDevice({ namespace, device: id })];
    await Promise.all(gone.map((one) => expect(one).rejects.toMatchObject({ code: "not_found" })));
    await expect(one.client.removeDevice({ namespace, device: "nobody" })).rejects.toMatchObject({
      code: "not_found",
    });
    expect((await create("short-lived")).id).not.toBe(id);
  });

  it("goes for devices of every dialect", async () => {
    const { device } = await one.client.registerDevice({
      namespace,
      dialect: "csn",
      metadata: { name: "x" },
    });
    const asked = { namespace, device: device?.id ?? "" };
    await one.client.removeDevice(asked);
    await expect(one.client.updateDevice({ ...asked, metadata: { floor: "1" } })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});

it("a name that was reserved for a device that never came is free after 30 s", async () => {
  const reserve = (name: string, agoMs: number) => {
    const reserved = { event: { case: "deviceNameReserved" as const, value: { device: `never-${name}` } } };
    const decision = { events: [reserved], decidedAt: BigInt(Date.now() - agoMs), decidedBy: "system" };
    return log.registry.append({ namespace, kind: "device-name", id: name }, decision, 0);
  };
  await reserve("young", 1_000);
  await reserve("stale", 31_000);
  await expect(create("young")).rejects.toMatchObject({ code: "already_exists" });
  const outcomes = await Promise.allSettled([create("stale", 0), create("stale", 1)]);
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  // Whoever reserved it can no longer register that device.
  const registered = { event: { case: "deviceRegistered" as const, value: { dialect: "tenta" } } };
  const late = log.registry.append(
    { namespace, kind: "device", id: "never-stale" },
    { events: [registered] },
    0,
  );
  await expect(late).rejects.toMatchObject({ name: "SequenceConflict" });
});

describe("where a namespace wants unique names of CSN's devices as well", () => {
  const register = async (name: string, index = 0, namespace = "unique") => {
    const asked = { namespace, dialect: "csn", metadata: { name } };
    const { device } = await either(index).registerDevice(asked);
    if (!device) throw new Error("no device in the answer");
    return device;
  };
  const change = (device: string, name: string, index = 0) =>
    either(index).updateDevice({ namespace: "unique", device, metadata: { name } });
  const taken = { code: "already_exists" };

  it("of many at once, through both replicas, one gets a name, and it is free when that is renamed", async () => {
    const asked = Array.from({ length: 10 }, (_, index) => register("Keller, links", index));
    const outcomes = await Promise.allSettled(asked);
    const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
    expect(won).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") expect(outcome.reason).toMatchObject(taken);
    }
    const other = await register("Dach", 1);
    await expect(change(other.id, "Keller, links")).rejects.toMatchObject(taken);
    await change(won[0]?.value.id ?? "", "Keller, rechts", 1);
    await change(other.id, "Keller, links");
    await expect(
      one.client.createDevice({ namespace: "unique", dialect: "tenta", name: "x" }),
    ).resolves.toBeDefined();
    await expect(register("x")).rejects.toMatchObject(taken);
  });

  it("one that was removed leaves its name", async () => {
    const { id } = await register("kurz");
    await two.client.removeDevice({ namespace: "unique", device: id });
    await register("kurz", 1);
  });

  it("a name that several got before that can be had by no further one", async () => {
    for (const index of [0, 1]) await register("shared", index, "later");
    uniqueIn.set("later", { uniqueDeviceNames: true });
    await until("both replicas believe it", async () => {
      for (const index of [0, 1]) {
        await expect(register("shared", index, "later")).rejects.toMatchObject(taken);
      }
      return true;
    });
  });
});

describe("a device's metadata", () => {
  it("that somebody else changed are news until it is told them, whichever replica is asked", async () => {
    const { device } = await one.client.registerDevice({ namespace, dialect: "csn" });
    const id = device?.id ?? "";
    const change = (decidedBy: string, floor: string) =>
      one.client.updateDevice({ namespace, device: id, metadata: { floor }, decidedBy });
    const news = async () => (await two.client.getDevice({ namespace, device: id })).device?.metadataChanged;
    expect(device?.metadataChanged).toBe(false);
    await change(`device:${id}/1/x`, "1");
    expect(await news()).toBe(false);
    const { device: changed } = await change("key:1", "2");
    expect(changed?.metadataChanged).toBe(true);
    expect(await news()).toBe(true);
    await two.client.confirmMetadata({ namespace, device: id, sequence: (changed?.sequence ?? 0n) - 1n });
    expect(await news()).toBe(true);
    const told = { namespace, device: id, sequence: changed?.sequence ?? 0n };
    for (let twice = 0; twice < 2; twice++) await two.client.confirmMetadata(told);
    expect(await news()).toBe(false);
    await expect(one.client.confirmMetadata({ ...told, device: "1" })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("may be edited by who has a token for it, from any replica", async () => {
    const { device } = await one.client.registerDevice({ namespace, dialect: "csn" });
    const asked = { namespace, device: device?.id ?? "" };
    const { token, expiresAt } = await one.client.createEditToken(asked);
    expect((await two.client.checkEditToken({ ...asked, token })).expiresAt).toBe(expiresAt);
    const wrong = [
      { ...asked, token: `${token.slice(0, -1)}_` },
      { ...asked, token, namespace: "test" },
    ];
    for (const one of [...wrong, { ...asked, token: "" }, { ...asked, token, device: "1" }]) {
      if (one.token === token && one.device === asked.device && one.namespace === namespace) continue;
      await expect(two.client.checkEditToken(one)).rejects.toMatchObject({ code: "not_found" });
    }
    await expect(one.client.createEditToken({ ...asked, device: "1" })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});
