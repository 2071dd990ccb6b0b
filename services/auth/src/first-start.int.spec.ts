import { sealing } from "@fieldlog/contracts";
import { rpcClient } from "@fieldlog/rpc";
import { InstallationKeys } from "@fieldlog/sealing";
import { CALL_MS, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ADMIN,
  INSTALLATION_KEY,
  INTERNAL_TOKEN,
  kept,
  type Replica,
  startReplica,
} from "./replica.fixture.js";
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
  expect(String(refused)).toMatch(
    /^WrongInstallationKey: the installation key does not open this log's keys: check FIELDLOG_INSTALLATION_KEY \(sealed by the key [0-9a-f]{16}, not by [0-9a-f]{16} \(default\/data-key\)\)$/,
  );
});

it("without an installation key the start is refused", async () => {
  await expect(start({ installationKey: "" })).rejects.toThrow("FIELDLOG_INSTALLATION_KEY is required");
});

describe("the installation's key is exchanged", () => {
  const old = INSTALLATION_KEY;
  const next = Buffer.alloc(32, 2).toString("base64");
  const [OLD, NEW] = [old, next].map((key) => new InstallationKeys(key).sealing.id) as [string, string];
  const password = "a password of ash";
  const device = { namespace: "default", device: "meter", decidedBy: "test" };
  let secret = "";

  async function used(installationKey: string, use: (replica: Replica) => Promise<void>) {
    const replica = await start({ adminKey: "another-admin-key", installationKey });
    await use(replica).finally(() => replica.close());
  }

  /** All pages of two boxes each, summed up. */
  async function reseal({ runtime }: Replica, check: boolean, pages = Number.POSITIVE_INFINITY) {
    const at = { address: runtime.settings.authGrpc, token: INTERNAL_TOKEN, deadlineMs: CALL_MS };
    const client = rpcClient(sealing.SealingService, at);
    const sum = { found: {} as Record<string, number>, resealed: 0 };
    let after = "";
    do {
      const page = await client.reseal({ limit: 2, after, check, decidedBy: "key:admin" });
      for (const [key, n] of Object.entries(page.found)) sum.found[key] = (sum.found[key] ?? 0) + n;
      sum.resealed += page.resealed;
      after = page.next;
      pages -= 1;
    } while (after !== "" && pages > 0);
    client.close();
    return sum;
  }

  it("by restarts that know both, and by decisions that seal anew what the old one sealed", async () => {
    await used(old, async (replica) => {
      for (const name of ["ash", "ivy", "oak"]) await replica.client.createUser({ name, password });
      await replica.client.createNamespace({ name: "wood", decidedBy: "test" });
      ({ secret } = await replica.client.issueDeviceCredential({ ...device, kind: "signing-secret" }));
    });
    await used(`${old},${next}`, async (replica) => {
      expect(await reseal(replica, true)).toEqual({ found: { [OLD]: 6 }, resealed: 0 });
    });
    await used(`${next},${old}`, async (replica) => {
      await replica.client.createUser({ name: "elm", password });
      // Broken off behind the namespaces that every start looks at: the others and users are still sealed by the old one.
      await reseal(replica, false, 1);
    });
    // It is told by the read model: of one that is behind nothing is known yet.
    await until("the start is refused", () =>
      used(next, async () => undefined).then(
        () => false,
        (error) => String(error).includes(`WrongInstallationKey`) && String(error).includes(OLD),
      ),
    );
    await used(`${next},${old}`, async (replica) => {
      expect((await reseal(replica, false)).resealed).toBe(4);
      expect((await reseal(replica, false)).resealed).toBe(0);
      expect(await reseal(replica, true)).toEqual({ found: { [NEW]: 7 }, resealed: 0 });
      expect(await kept({ natsUrl: servers.nats.url, postgresUrl })).not.toContain("argon2id");
    });
  });

  it("then the old one opens nothing, and is not needed: passwords and secrets are what they were", async () => {
    await expect(start({ adminKey: "another-admin-key", installationKey: old })).rejects.toThrow(
      "FIELDLOG_INSTALLATION_KEY",
    );
    await used(next, async ({ client }) => {
      for (const name of ["ash", "ivy", "oak", "elm"]) await client.startSession({ name, password });
      const found = await client.getDeviceCredential({ ...device, kind: "signing-secret" });
      expect(found.secret).toBe(secret);
    });
  });
});
