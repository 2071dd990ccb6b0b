import { REGISTRY } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";

let servers: TestServers;
let databaseUrl: string;
let log: EventLog;
let one: Replica;
let two: Replica;

beforeAll(async () => {
  servers = await startServers();
  databaseUrl = await servers.databaseUrl("devices");
  log = await connectLog({ url: servers.nats.url, name: "test" });
  one = await startReplica(servers.nats.url, databaseUrl);
  two = await startReplica(servers.nats.url, databaseUrl);
  await until("ready", async () => (await one.runtime.health.report()).ready);
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await log?.close();
  await servers?.stop();
});

const namespace = "default";
const geiger = { sensorType: "geiger", details: { model: "G", units: "cpm" } };

async function station(sensors = [geiger]) {
  const { device } = await one.client.registerDevice({ namespace, dialect: "csn", sensors });
  if (!device) throw new Error("no device in the answer");
  return device;
}

describe("registering", () => {
  it("gives an id of 16 digits and sensors in the order asked for", async () => {
    const answer = await one.client.registerDevice({
      namespace,
      dialect: "csn",
      metadata: {
        name: "cellar",
        latitude: -0,
        properties: { a: { value: { case: "integer", value: 2n ** 60n } } },
      },
      sensors: [{ sensorType: "geiger", details: { model: "G" } }, { sensorType: "humidity" }],
    });
    expect(answer.device).toMatchObject({
      id: expect.stringMatching(/^[1-9]\d{15}$/),
      dialect: "csn",
      metadata: { name: "cellar", properties: { a: { value: { case: "integer", value: 2n ** 60n } } } },
      sensors: [
        { id: "0", sensorType: "geiger", details: { model: "G" }, removed: false },
        { id: "1", sensorType: "humidity" },
      ],
    });
    expect(Math.abs(Number(answer.device?.registeredAt) - Date.now())).toBeLessThan(10_000);
    const found = await two.client.getDevice({ namespace, device: answer.device?.id ?? "" });
    expect(found.device).toEqual(answer.device);
  });

  it("makes one decision, who asked being the device itself", async () => {
    const device = await station([geiger, geiger]);
    const decisions = await log.registry.read({ namespace, kind: "device", id: device.id }, 0);
    expect(decisions).toHaveLength(1);
    expect(decisions[0]).toMatchObject({
      sequence: Number(device.sequence),
      decision: { decidedBy: `device:${device.id}` },
    });
  });

  it("refuses what is not right by the name of its field, and appends nothing", async () => {
    const before = await log.lastSequence(REGISTRY);
    const asked = { namespace, dialect: "csn", sensors: [geiger, { sensorType: "" }] };
    await expect(one.client.registerDevice(asked)).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "sensors[1].sensor_type" },
    });
    expect(await log.lastSequence(REGISTRY)).toBe(before);
  });
});

describe("updating", () => {
  it("answers with the device as it then is, and the ids of its new sensors", async () => {
    const { id } = await station();
    const answer = await one.client.updateDevice({
      namespace,
      device: id,
      metadata: { floor: "2" },
      newSensors: [geiger, geiger],
      removedSensors: ["0"],
    });
    expect(answer).toMatchObject({ changed: true, newSensorIds: ["1", "2"] });
    expect(answer.device).toMatchObject({
      metadata: { floor: "2" },
      sensors: [
        { id: "0", removed: true },
        { id: "1", removed: false },
        { id: "2", removed: false },
      ],
    });
  });

  it("that changes nothing appends nothing, though all sensors are sent again", async () => {
    const { id, sequence } = await station([geiger, geiger]);
    const answer = await two.client.updateDevice({
      namespace,
      device: id,
      changedSensors: ["0", "1"].map((id) => ({ id, details: geiger.details })),
    });
    expect(answer.changed).toBe(false);
    expect(answer.device?.sequence).toBe(sequence);
    expect(await log.registry.read({ namespace, kind: "device", id }, 0)).toHaveLength(1);
  });

  it("is all or nothing: an unknown sensor is refused by its id, and the rest is not done", async () => {
    const { id, sequence } = await station();
    const asked = { namespace, device: id, metadata: { name: "roof" }, changedSensors: [{ id: "7" }] };
    await expect(one.client.updateDevice(asked)).rejects.toMatchObject({
      code: "failed_precondition",
      details: { sensor: "7" },
    });
    expect((await one.client.getDevice({ namespace, device: id })).device?.sequence).toBe(sequence);
  });

  it("is seen at once through the other replica", async () => {
    const { id } = await station();
    for (let floor = 0; floor < 20; floor++) {
      await one.client.updateDevice({ namespace, device: id, metadata: { floor: String(floor) } });
      const { device } = await two.client.getDevice({ namespace, device: id });
      expect(device?.metadata?.floor).toBe(String(floor));
    }
  });

  it("through two replicas at the same time is done by both", async () => {
    const { id } = await station();
    const ids: string[] = [];
    for (let round = 0; round < 15; round++) {
      const flag = { value: { case: "flag" as const, value: true } };
      const answers = await Promise.all(
        [one, two].map(({ client }, replica) =>
          client.updateDevice({
            namespace,
            device: id,
            metadata: { properties: { [`${round}/${replica}`]: flag } },
            newSensors: [geiger],
          }),
        ),
      );
      ids.push(...answers.flatMap(({ newSensorIds }) => newSensorIds));
    }
    const { device } = await one.client.getDevice({ namespace, device: id });
    expect(Object.keys(device?.metadata?.properties ?? {})).toHaveLength(30);
    expect(device?.sensors.map((sensor) => sensor.id)).toEqual(
      Array.from({ length: 31 }, (_, i) => String(i)),
    );
    expect(new Set(ids).size).toBe(30);
  });
});

describe("a device", () => {
  it("is unknown in another namespace", async () => {
    const { id } = await station();
    await expect(one.client.getDevice({ namespace: "test", device: id })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it.each(["", "1", "a.b > *", "\u0000", "x".repeat(5_000)])(
    "that never was is not found: %j",
    async (device) => {
      await expect(one.client.getDevice({ namespace, device })).rejects.toMatchObject({ code: "not_found" });
      await expect(one.client.updateDevice({ namespace, device })).rejects.toMatchObject({
        code: "not_found",
      });
    },
  );

  it("is all there after a restart, also on an empty database, where the table is built from the log", async () => {
    const { id } = await station();
    await one.client.updateDevice({
      namespace,
      device: id,
      metadata: { name: "vault" },
      newSensors: [geiger],
    });
    const { device } = await one.client.getDevice({ namespace, device: id });
    const anew = await startReplica(servers.nats.url, await servers.databaseUrl("anew"));
    try {
      await until("ready", async () => (await anew.runtime.health.report()).ready);
      expect((await anew.client.getDevice({ namespace, device: id })).device).toEqual(device);
    } finally {
      await anew.close();
    }
    await one.close();
    one = await startReplica(servers.nats.url, databaseUrl);
    expect((await one.client.getDevice({ namespace, device: id })).device).toEqual(device);
  });
});

describe("a device that brings its id", () => {
  const asked = {
    ...{ namespace, device: "15:FE:90:11:1D:18", dialect: "edge-impulse", metadata: { name: "board" } },
    sensors: [{ sensorType: "Accelerometer", details: { frequencies: [62.5, 100], maxSampleLengthS: 300 } }],
  };

  it("is registered once, on whatever replica it comes", async () => {
    const [first, again] = await Promise.all([
      one.client.ensureDevice(asked),
      two.client.ensureDevice(asked),
    ]);
    expect([first.changed, again.changed].sort()).toEqual([false, true]);
    expect(first.device).toEqual(again.device);
    const { device } = await two.client.getDevice({ namespace, device: asked.device });
    expect(device).toMatchObject({ ...first.device, dialect: "edge-impulse" });
    expect(device?.sensors[0]?.details).toMatchObject({ frequencies: [62.5, 100], maxSampleLengthS: 300 });
  });

  it("is refused where it was removed, or the dialect has other ids", async () => {
    const gone = { ...asked, device: "gone" };
    await one.client.ensureDevice(gone);
    await one.client.removeDevice({ namespace, device: "gone" });
    await expect(two.client.ensureDevice(gone)).rejects.toMatchObject({ code: "failed_precondition" });
    const other = one.client.ensureDevice({ ...asked, dialect: "csn" });
    await expect(other).rejects.toMatchObject({ code: "invalid_argument", details: { field: "dialect" } });
  });
});

it("decisions are counted by kind and outcome", async () => {
  await station();
  await expect(two.client.updateDevice({ namespace, device: "1" })).rejects.toMatchObject({
    code: "not_found",
  });
  expect(await one.runtime.metrics.metrics()).toContain(
    'fieldlog_decisions_total{kind="device",outcome="appended"}',
  );
  expect(await two.runtime.metrics.metrics()).toContain(
    'fieldlog_decisions_total{kind="device",outcome="refused"}',
  );
});
