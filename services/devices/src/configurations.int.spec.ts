import { REGISTRY } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { CALL_MS, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";
import { sentTo } from "./signals.fixture.js";

let servers: TestServers;
let log: EventLog;
let one: Replica;
let two: Replica;
let count = 0;

beforeAll(async () => {
  servers = await startServers();
  const databaseUrl = await servers.databaseUrl("devices");
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

async function sensor(): Promise<string> {
  const { device } = await one.client.createDevice({
    namespace,
    dialect: "tenta",
    name: `sensor-${count++}`,
  });
  return device?.id ?? "";
}

const history = async (device: string) => {
  const decisions = await log.registry.read({ namespace, kind: "configuration", id: device }, 0);
  return decisions.flatMap(({ decision }) => decision.events.map(({ event }) => event));
};
const cases = async (device: string) => (await history(device)).map((event) => event.case);

describe("creating", () => {
  it("counts from 0, and the device gets each revision within a moment", async () => {
    const device = await sensor();
    for (const revision of [0, 1, 2]) {
      const asked = { namespace, device, valueJson: `{ "interval": ${revision}.0 }`, decidedBy: "key:1" };
      const answer = await one.client.createConfiguration(asked);
      expect(answer.revision).toBe(revision);
      const [decided] = await log.registry.read(
        { namespace, kind: "configuration", id: device },
        Number(answer.sequence) - 1,
      );
      expect(decided?.decision.decidedBy).toBe("key:1");
      const sent = await until("sent", async () => (await sentTo(log, namespace, device))[revision]);
      expect(sent).toMatchObject({
        identity: `configuration/${revision}`,
        payload: { revision, configuration: { interval: revision } },
        signal: { publication: { topic: `configurations/${device}`, qos: 1, retain: true } },
      });
      expect(sent.time.getTime() - Number(decided?.decision.decidedAt)).toBeLessThan(CALL_MS);
      await until("decided", async () => (await cases(device)).at(-1) === "configurationPublished");
    }
    expect(await cases(device)).toEqual(
      [0, 1, 2].flatMap(() => ["configurationCreated", "configurationPublished"]),
    );
  });

  it("by fifty at once, through two replicas, gives fifty revisions without a gap", async () => {
    const device = await sensor();
    const posts = Array.from({ length: 50 }, (_, i) => {
      const { client } = i % 3 === 0 ? two : one;
      return client.createConfiguration({ namespace, device, valueJson: `{"post":${i}}` });
    });
    const revisions = (await Promise.all(posts)).map(({ revision }) => revision);
    const all = Array.from({ length: 50 }, (_, i) => i);
    expect([...revisions].sort((a, b) => a - b)).toEqual(all);
    const sent = await until("sent", async () => {
      const sent = await sentTo(log, namespace, device);
      return sent.length >= 50 && sent;
    });
    expect(sent.map(({ payload }) => payload.revision)).toEqual(all);
    for (const [post, revision] of revisions.entries()) {
      expect(sent[revision]?.payload.configuration).toEqual({ post });
    }
    await until("decided", async () => {
      const published = (await cases(device)).filter((name) => name === "configurationPublished");
      return published.length === 50;
    });
  });

  it("is for devices that are there, and takes JSON objects", async () => {
    const device = await sensor();
    const create = (valueJson: string, to = device) =>
      one.client.createConfiguration({ namespace, device: to, valueJson });
    for (const bad of ["", "[]", "null", "1", "{", `{"a":"${"x".repeat(131_072)}"}`]) {
      await expect(create(bad)).rejects.toMatchObject({
        code: "invalid_argument",
        details: { field: "value_json" },
      });
    }
    for (const nobody of ["", "nobody", "\u0000"]) {
      await expect(create("{}", nobody)).rejects.toMatchObject({ code: "not_found" });
    }
    expect((await create("{}")).revision).toBe(0);
    expect((await create(`{"a":"${"x".repeat(131_064)}"}`)).revision).toBe(1);
    await until("sent", async () => (await sentTo(log, namespace, device)).length === 2);
    await one.client.removeDevice({ namespace, device });
    await expect(create("{}")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("acknowledging", () => {
  const acknowledge = (device: string, acknowledgments: [number, boolean, number][], replica = one) =>
    replica.client.acknowledgeConfiguration({
      namespace,
      device,
      acknowledgments: acknowledgments.map(([revision, success, occurredAt]) => ({
        revision,
        success,
        occurredAt,
      })),
    });
  const answers = async (device: string) =>
    (await history(device)).flatMap((event) =>
      event.case === "configurationAcknowledged"
        ? [[event.value.revision, event.value.success, event.value.acknowledgedAt]]
        : [],
    );

  it("the first answer to each revision counts for ever; repeats and unknown ones append nothing", async () => {
    const device = await sensor();
    for (let i = 0; i < 3; i++) await one.client.createConfiguration({ namespace, device, valueJson: "{}" });
    await until("published", async () => (await cases(device)).length === 6);
    await acknowledge(device, [
      [2, false, 7.5],
      [0, true, 1],
      [2, true, 8],
      [3, true, 9],
    ]);
    expect(await answers(device)).toEqual([
      [2, false, 7.5],
      [0, true, 1],
    ]);
    const before = await log.lastSequence(REGISTRY);
    for (let i = 0; i < 5; i++) {
      await acknowledge(device, [
        [0, false, 2],
        [2, true, 10],
        [7, true, 1],
      ]);
    }
    await acknowledge("nobody", [[0, true, 1]]);
    await acknowledge("", [[0, true, 1]]);
    expect(await log.lastSequence(REGISTRY)).toBe(before);
  });

  it("of both replicas at once one counts", async () => {
    const device = await sensor();
    await one.client.createConfiguration({ namespace, device, valueJson: "{}" });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        acknowledge(device, [[0, i % 2 === 0, i]], i % 2 === 0 ? one : two),
      ),
    );
    expect(await answers(device)).toHaveLength(1);
  });

  it("by a device that was removed has no effect", async () => {
    const device = await sensor();
    await one.client.createConfiguration({ namespace, device, valueJson: "{}" });
    await one.client.removeDevice({ namespace, device });
    await acknowledge(device, [[0, true, 1]]);
    expect(await answers(device)).toEqual([]);
  });

  it("refuses a time that is none", async () => {
    const device = await sensor();
    await expect(acknowledge(device, [[0, true, Number.NaN]])).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "acknowledgments[0].occurred_at" },
    });
  });
});
