import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  INSTALLATION,
  REGISTRY,
  type registry,
  registryOfNamespace,
  SIGNALS,
  signals,
  signalsSubject,
} from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { encoded, startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProcess } from "./process.fixture.js";
import { type Replica, startReplica } from "./replica.fixture.js";

let servers: TestServers;
let log: EventLog;
let url = "";

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  url = await servers.databaseUrl("liveness");
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

type Event = MessageInitShape<typeof registry.RegistryEventSchema>;
type Kind = "device" | "namespace";

async function decide(namespace: string, kind: Kind, id: string, after: number, ...events: Event[]) {
  const decision = { events, decidedAt: BigInt(Date.now()), decidedBy: "system" };
  return await log.registry.append({ namespace, kind, id }, decision, after);
}

const register = (namespace: string, id: string, metadata = {}, dialect = "csn") =>
  decide(namespace, "device", id, 0, {
    event: { case: "deviceRegistered", value: { dialect, metadata } },
  });

/** A namespace whose devices are inactive after so many seconds; its name is its id. */
const settle = (namespace: string, inactiveAfterS: number) =>
  decide(
    ...([INSTALLATION, "namespace", namespace, 0] as const),
    { event: { case: "namespaceCreated", value: { id: namespace, name: namespace } } },
    {
      event: {
        case: "namespaceSettingsChanged",
        value: { liveness: { heartbeatS: 1, inactiveAfterS } },
      },
    },
  );

async function beat(namespace: string, device: string, status = "", agoMs = 0): Promise<number> {
  const at = BigInt(Date.now() - agoMs);
  // Devices' clocks do not matter.
  const times = { receivedAt: at, occurredAt: 0n, sentAt: 99_999_999_999_999n };
  const signal = create(signals.SignalSchema, {
    ...{ device, ...times, body: { case: "heartbeat", value: { status } } },
  });
  return await log.signals.append(namespace, encoded(signal));
}

/** What the log says of the namespace's devices: `+` or `-`, the device, the reason. */
async function told(namespace: string): Promise<string[]> {
  const until = await log.lastSequence(SIGNALS);
  const found: string[] = [];
  for await (const commits of log.read(SIGNALS, { after: 0, until, subject: signalsSubject(namespace) })) {
    for (const { device, body } of commits.flatMap(({ data }) => decodeBatch(data))) {
      if (body.case !== "event" || body.value.issuer !== "liveness") continue;
      const { reason } = JSON.parse(Buffer.from(body.value.data).toString()) as { reason: string };
      found.push(`${body.value.name === "DeviceBecameActive" ? "+" : "-"}${device} ${reason}`);
    }
  }
  return found;
}

const tells = (namespace: string, ...expected: string[]) =>
  until(`${namespace} tells ${expected}`, async () => {
    expect((await told(namespace)).toSorted()).toEqual(expected.toSorted());
    return true;
  });

const states = async ({ client }: Replica, namespace: string, state = "") => {
  const atLeast = BigInt(await log.lastSequence(SIGNALS));
  const { devices } = await client.listLiveness({ namespace, limit: 1_000, state, atLeast });
  return devices.map((one) => `${one.device} ${one.state}`);
};

async function withReplica(work: (replica: Replica) => Promise<void>): Promise<void> {
  const replica = await startReplica(servers.nats.url, url);
  try {
    await until("it knows all devices", () => replica.client.listLiveness({ namespace: "none", limit: 1 }));
    await work(replica);
  } finally {
    await replica.close();
  }
}

describe("liveness", () => {
  it("tells of devices as they come and go, once, and answers what they are", () =>
    withReplica(async (replica) => {
      await settle("coming", 2);
      for (const device of ["a", "b"]) await register("coming", device);
      await register("coming", "c", {}, "native");
      await beat("coming", "a");
      await beat("coming", "b");
      await beat("coming", "b", "sleep");
      const event = { case: "event" as const, value: { name: "pick" } };
      const pick = { device: "c", receivedAt: BigInt(Date.now()), body: event };
      await log.signals.append("coming", encoded(create(signals.SignalSchema, pick)));
      const both = ["+a heartbeat", "+b heartbeat", "-b status", "+c heartbeat"];
      await tells("coming", ...both, "-a timeout", "-c timeout");
      expect(await states(replica, "coming")).toEqual(["a inactive", "b inactive", "c inactive"]);
      const position = await beat("coming", "a", "restart");
      await tells("coming", ...both, "-a timeout", "-c timeout", "+a heartbeat");
      const { liveness } = await replica.client.getLiveness({ namespace: "coming", device: "a" });
      expect(liveness).toMatchObject({ status: "restart", heartbeatS: 1, inactiveAfterS: 2 });
      expect(position).toBeGreaterThan(0);
      await expect(
        replica.client.getLiveness({ namespace: "coming", device: "nobody" }),
      ).rejects.toMatchObject({ code: "not_found" });
    }));

  it("counts by cell, movable and static ones apart", () =>
    withReplica(async (replica) => {
      const here = { latitude: 34.1, longitude: -118.1 };
      await register("counted", "m", { ...here, mobility: "phone" });
      await register("counted", "s", { ...here, mobility: "desktop" });
      await register("counted", "far", { latitude: -34, longitude: 118 });
      await register("counted", "nowhere");
      await register("counted", "silent", here);
      for (const device of ["m", "s", "far", "nowhere"]) await beat("counted", device);
      await beat("counted", "far", "quit");
      await tells(
        "counted",
        ...["+far heartbeat", "+m heartbeat", "+nowhere heartbeat", "+s heartbeat", "-far status"],
      );
      const ask = async (more: object) => {
        const asked = { namespace: "counted", limit: 1_000, within: "", after: "", ...more };
        const { counts, next } = await replica.client.countActive(asked);
        const rows = counts.map((c) => `${c.geocell} ${c.activeMobile} ${c.activeStatic} ${c.inactive}`);
        return { rows, next };
      };
      expect((await ask({})).rows).toEqual([" 1 2 1"]);
      expect((await ask({ resolution: 2 })).rows).toEqual(["? 0 1 0", "01 1 1 0", "10 0 0 1"]);
      expect((await ask({ resolution: 4, within: "01" })).rows).toEqual(["0100 1 1 0"]);
      expect(await ask({ resolution: 2, limit: 1, after: "?" })).toEqual({ rows: ["01 1 1 0"], next: "01" });
      await expect(ask({ resolution: 49 })).rejects.toMatchObject({ code: "invalid_argument" });
      await expect(ask({ within: "2" })).rejects.toMatchObject({ code: "invalid_argument" });
    }));

  it("is told once by two replicas, and by the one that is left", async () => {
    const [one, two] = await Promise.all([
      startReplica(servers.nats.url, url),
      startReplica(servers.nats.url, url),
    ]);
    const devices = Array.from({ length: 40 }, (_, i) => `d${i}`);
    await settle("twice", 6);
    for (const device of devices) await register("twice", device);
    await Promise.all(devices.map((device) => beat("twice", device)));
    await tells("twice", ...devices.map((device) => `+${device} heartbeat`));
    await one.close();
    const both = devices.flatMap((device) => [`+${device} heartbeat`, `-${device} timeout`]);
    await tells("twice", ...both);
    expect(await states(two, "twice", "inactive")).toHaveLength(devices.length);
    await two.close();
  });

  it("misses nothing and tells nothing again when it is killed and started in the middle", async () => {
    await settle("killed", 10);
    const devices = Array.from({ length: 60 }, (_, i) => `d${i}`);
    for (const device of devices) await register("killed", device);
    const first = await startProcess(servers.nats.url, url);
    const beats = Promise.all(devices.slice(0, 40).map((device) => beat("killed", device)));
    const begun = Date.now();
    await until("it begins", async () => (await told("killed")).length > 0);
    await first.kill();
    await beats;
    // While nobody looks: one goes, some begin, and one was silent for too long and is back.
    await beat("killed", "d0", "shutdown", Date.now() - begun - 1);
    await beat("killed", "d59", "", 11_000);
    for (const device of devices.slice(40)) await beat("killed", device);
    const expected = devices.flatMap((device) => {
      const once = [`+${device} heartbeat`, `-${device} ${device === "d0" ? "status" : "timeout"}`];
      return device === "d59" ? [...once, "+d59 heartbeat", "-d59 timeout"] : once;
    });
    const second = await startProcess(servers.nats.url, url);
    await until("it goes on", async () => (await told("killed")).length > 60);
    await second.kill();
    await withReplica(() => tells("killed", ...expected).then(() => undefined));
  });

  it("forgets what is removed, erased and cleared, and only that", () =>
    withReplica(async (replica) => {
      let sequence = 0;
      for (const namespace of ["left", "gone"]) {
        await settle(namespace, 600);
        for (const device of ["b", "c"]) await register(namespace, device);
        sequence = await register(namespace, "a");
        for (const device of ["a", "b", "c"]) await beat(namespace, device);
      }
      await tells("gone", "+a heartbeat", "+b heartbeat", "+c heartbeat");
      await tells("left", "+a heartbeat", "+b heartbeat", "+c heartbeat");
      await decide("gone", "device", "a", sequence, { event: { case: "deviceRemoved", value: {} } });
      await until("a has gone", async () => {
        expect(await states(replica, "gone")).toEqual(["b active", "c active"]);
        return true;
      });
      const c = { namespace: "gone", device: "c" };
      const erasedBefore = await log.clearings.record(c, "test");
      const erased = await log.clearings.mark(c);
      await log.clearings.record({ ...c, signalsBefore: erased, registryBefore: erasedBefore }, "test");
      await until("c is erased", async () => {
        expect(await states(replica, "gone")).toEqual(["b active"]);
        return true;
      });
      const registryBefore = await log.clearings.record({ namespace: "gone" }, "test");
      await log.clearings.purge(REGISTRY, registryOfNamespace("gone", "device"), registryBefore);
      await until("none is known", async () => (await states(replica, "gone")).length === 0);
      const signalsBefore = await log.clearings.mark({ namespace: "gone" });
      await log.clearings.record({ namespace: "gone", signalsBefore, registryBefore }, "test");
      await log.clearings.purge(SIGNALS, signalsSubject("gone"), signalsBefore);
      await register("gone", "b");
      await beat("gone", "b");
      await tells("gone", "+b heartbeat");
      expect(await states(replica, "gone")).toEqual(["b active"]);
      expect(await states(replica, "left")).toEqual(["a active", "b active", "c active"]);
      const { liveness } = await replica.client.getLiveness({ namespace: "gone", device: "b" });
      expect(liveness?.inactiveAfterS).toBe(600);
    }));

  it("has the same tables when they are built anew, and knows the same by them", async () => {
    const empty = await servers.databaseUrl("anew");
    const replica = await startReplica(servers.nats.url, empty);
    const anew = await until("they are built anew", () => tables(empty));
    expect(await states(replica, "left")).toEqual(["a active", "b active", "c active"]);
    await replica.close();
    await withReplica(async () => {
      expect(await until("the others are up to date", () => tables(url))).toEqual(anew);
    });
    expect(anew.every((rows) => rows.length > 0)).toBe(true);
  });
});

/** All rows, once they hold what both logs do. */
async function tables(postgresUrl: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; sequence: string }>(
      "SELECT name, sequence FROM liveness.read_models WHERE stage = 'live' ORDER BY name",
    );
    const ends = [await log.lastSequence(SIGNALS), await log.lastSequence(REGISTRY)];
    expect(rows.map(({ sequence }) => Number(sequence))).toEqual(ends);
    const found: unknown[][] = [];
    for (const table of ["heard", "devices", "settings"]) {
      found.push((await client.query(`SELECT * FROM liveness.${table} ORDER BY 1, 2`)).rows);
    }
    return found;
  } finally {
    await client.end();
  }
}
