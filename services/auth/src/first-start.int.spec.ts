import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ADMIN, type Replica, startReplica } from "./replica.fixture.js";
import { hashOf } from "./service/secret-hash.js";

let servers: TestServers;
let postgresUrl: string;

beforeAll(async () => {
  servers = await startServers();
  postgresUrl = await servers.databaseUrl("auth");
});
afterAll(() => servers?.stop());

const start = async (overrides: Parameters<typeof startReplica>[0] = {}) => {
  const replica = await startReplica({ natsUrl: servers.nats.url, postgresUrl, ...overrides });
  await until("ready", async () => (await replica.runtime.health.report()).ready);
  return replica;
};
const opens = (replica: Replica, key: string) =>
  replica.client.checkApiKey({ keyHash: hashOf(key) }).then(
    () => true,
    () => false,
  );

it("a changed FIELDLOG_ADMIN_KEY is good at once, and the former one is void", async () => {
  const former = await start();
  expect(await opens(former, ADMIN)).toBe(true);
  const next = await start({ adminKey: "another-admin-key" });
  for (const replica of [former, next]) {
    expect(await opens(replica, ADMIN)).toBe(false);
    expect(await opens(replica, "another-admin-key")).toBe(true);
  }
  await former.close();
  await next.close();
  const again = await start({ adminKey: "another-admin-key" });
  expect(await opens(again, "another-admin-key")).toBe(true);
  const { keys } = await again.client.listApiKeys({ namespace: "" });
  expect(keys).toMatchObject([{ id: "admin", name: "FIELDLOG_ADMIN_KEY", permission: "admin" }]);
  await again.close();
});

it("an admin key that somebody revoked is refused at the next start, until another one is set", async () => {
  const replica = await start({ adminKey: "a-key-that-leaked" });
  await replica.client.revokeApiKey({ namespace: "", id: "admin", decidedBy: "key:admin" });
  expect(await opens(replica, "a-key-that-leaked")).toBe(false);
  await replica.close();
  await expect(start({ adminKey: "a-key-that-leaked" })).rejects.toThrow("FIELDLOG_ADMIN_KEY was revoked");
  const next = await start({ adminKey: "another-admin-key" });
  expect(await opens(next, "another-admin-key")).toBe(true);
  await next.close();
});

it("with another installation key the start is refused, in words that name the setting and no key", async () => {
  const installationKey = Buffer.alloc(32, 9).toString("base64");
  const refused = await start({ adminKey: "another-admin-key", installationKey }).catch(
    (error: unknown) => error,
  );
  expect(String(refused)).toBe(
    "WrongInstallationKey: the installation key does not open this log's keys: check FIELDLOG_INSTALLATION_KEY",
  );
});

it("without an installation key the start is refused", async () => {
  await expect(start({ installationKey: "" })).rejects.toThrow("FIELDLOG_INSTALLATION_KEY is required");
});
