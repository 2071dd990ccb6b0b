import { startServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ADMIN, type Replica, startReplica } from "./replica.fixture.js";
import { hashOf } from "./service/secret-hash.js";

const start = () => startServers({ ownPostgres: true });
let servers: Awaited<ReturnType<typeof start>>;
let postgresUrl: string;
let replica: Replica;
const ready = () => until("ready", async () => (await replica.runtime.health.report()).ready);

beforeAll(async () => {
  servers = await start();
  postgresUrl = await servers.databaseUrl("auth");
  replica = await startReplica({ natsUrl: servers.nats.url, postgresUrl });
  await ready();
});
afterAll(async () => {
  await replica?.close();
  expect(replica?.logged()).not.toContain("did not stop cleanly");
  await servers?.stop();
});

const namespace = "default";
const password = "a password of ash";
const unavailable = { code: "unavailable", details: { retryAfterS: expect.stringMatching(/^\d+$/) } };
const asked = { namespace, name: "console", kind: "native", permission: "read", decidedBy: "key:admin" };
const issue = (device: string) =>
  replica.client.issueDeviceCredential({ namespace, device, kind: "csn-secret" });
const calls = () => [
  replica.client.checkApiKey({ keyHash: hashOf(ADMIN) }),
  replica.client.getDeviceCredential({ namespace, device: "1" }),
  replica.client.createApiKey(asked),
  replica.client.getNamespace({ idOrName: "default" }),
  issue("2"),
  replica.client.findMqttPassword({ namespace: "", device: "1" }),
  replica.client.createUser({ name: "ivy", password }),
  replica.client.startSession({ name: "ash", password }),
  replica.client.getRole({ namespace, userId: "1" }),
];
const allUnavailable = async () => {
  for (const call of await Promise.allSettled(calls())) {
    expect(call).toMatchObject({ status: "rejected", reason: unavailable });
  }
};

it("while Postgres is away all but the check of sessions is unavailable, and all recovers", async () => {
  const { secret } = await issue("1");
  const { token } = await replica.client.createUser({ name: "ash", password });
  await servers.postgres.kill();
  await allUnavailable();
  await expect(replica.client.listUserNamespaces({ userId: "1" })).rejects.toMatchObject(unavailable);
  expect(await replica.client.checkSession({ tokenHash: hashOf(token) })).toMatchObject({ userName: "ash" });
  await until("not ready", async () => !(await replica.runtime.health.report()).ready);
  await servers.postgres.start();
  await ready();
  expect((await replica.client.getDeviceCredential({ namespace, device: "1" })).secret).toBe(secret);
  await replica.client.createApiKey(asked);
});

it("while NATS is away everything is unavailable, and all recovers", async () => {
  await servers.nats.kill();
  await until("noticed", async () => (await replica.runtime.health.report()).checks["log"] !== "ok");
  await allUnavailable();
  await servers.nats.start();
  await ready();
  await replica.client.checkApiKey({ keyHash: hashOf(ADMIN) });
  await replica.client.startSession({ name: "ash", password });
  await issue("3");
});

it("a start while NATS and Postgres are away waits, and is ready when they are back", async () => {
  await servers.nats.kill();
  await servers.postgres.kill();
  const starting = startReplica({ natsUrl: servers.nats.url, postgresUrl });
  await servers.nats.start();
  const late = await starting;
  try {
    expect((await late.runtime.health.report()).ready).toBe(false);
    await servers.postgres.start();
    await until("ready", async () => (await late.runtime.health.report()).ready);
    await late.client.checkApiKey({ keyHash: hashOf(ADMIN) });
  } finally {
    await late.close();
  }
});
