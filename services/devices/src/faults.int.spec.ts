import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Replica, startReplica } from "./replica.fixture.js";

let servers: Awaited<ReturnType<typeof start>>;
let replica: Replica;

const start = (): Promise<TestServers & { postgres: NonNullable<TestServers["postgres"]> }> =>
  startServers({ ownPostgres: true });
const ready = () => until("ready", async () => (await replica.runtime.health.report()).ready);

beforeAll(async () => {
  servers = await start();
  replica = await startReplica(servers.nats.url, await servers.databaseUrl("devices"));
  await ready();
});
afterAll(async () => {
  await replica?.close();
  await servers?.stop();
});

const namespace = "default";
const registered = async () => {
  const { device } = await replica.client.registerDevice({ namespace, dialect: "csn" });
  return device?.id ?? "";
};

it("while Postgres is away, decisions start from the log alone, and all recovers", async () => {
  const device = await registered();
  await servers.postgres.kill();
  expect((await replica.client.getDevice({ namespace, device })).device?.id).toBe(device);
  const asked = { namespace, device, metadata: { name: "meanwhile" } };
  expect(await replica.client.updateDevice(asked)).toMatchObject({ changed: true });
  const { revision } = await replica.client.createConfiguration({ namespace, device, valueJson: "{}" });
  const acknowledgments = [{ revision, success: true, occurredAt: 1 }];
  await replica.client.acknowledgeConfiguration({ namespace, device, acknowledgments });
  const meanwhile = await registered();
  await until("not ready", async () => !(await replica.runtime.health.report()).ready);
  await servers.postgres.start();
  await ready();
  for (const id of [device, meanwhile]) {
    const asked = { namespace, device: id, metadata: { name: "after" } };
    expect(await replica.client.updateDevice(asked)).toMatchObject({ changed: true });
  }
});

it("while NATS is away, everything is unavailable with a time to wait, and all recovers", async () => {
  const device = await registered();
  await servers.nats.kill();
  const away = { code: "unavailable", details: { retryAfterS: expect.stringMatching(/^\d+$/) } };
  await expect(replica.client.getDevice({ namespace, device })).rejects.toMatchObject(away);
  await expect(replica.client.registerDevice({ namespace, dialect: "csn" })).rejects.toMatchObject({
    code: "unavailable",
  });
  expect((await replica.runtime.health.report()).checks["log"]).not.toBe("ok");
  await servers.nats.start();
  await ready();
  expect((await replica.client.getDevice({ namespace, device })).device?.id).toBe(device);
  expect(await registered()).not.toBe(device);
});
