import { aggregateOf, REGISTRY } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, kept, type Replica, startReplica } from "./replica.fixture.js";
import { hashOf } from "./service/secret-hash.js";

let servers: TestServers;
let postgresUrl: string;
let log: EventLog;
let one: Replica;
let two: Replica;
const start = () => startReplica({ natsUrl: servers.nats.url, postgresUrl });
const ready = (replica: Replica) => until("ready", async () => (await replica.runtime.health.report()).ready);

beforeAll(async () => {
  servers = await startServers();
  postgresUrl = await servers.databaseUrl("auth");
  log = await connectLog({ url: servers.nats.url, name: "test" });
  // Both at once, on an empty log.
  [one, two] = await Promise.all([start(), start()]);
  await Promise.all([ready(one), ready(two)]);
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await log?.close();
  await servers?.stop();
  for (const replica of [one, two]) expect(replica.logged()).not.toContain("before the read model has it");
});

const by = { decidedBy: "key:admin" };
const check = (replica: Replica, key: string) => replica.client.checkApiKey({ keyHash: hashOf(key) });
const unauthenticated = { code: "unauthenticated" };

async function createKey(
  fields: { kind?: string; namespace?: string; permission?: string; expiresAt?: bigint } = {},
) {
  const asked = {
    namespace: "default",
    name: "console",
    kind: "native",
    permission: "read",
    ...by,
    ...fields,
  };
  const { key, secret, sequence } = await one.client.createApiKey(asked);
  if (!key) throw new Error("no key in the answer");
  return { key, secret, sequence };
}

async function decisions(): Promise<string[]> {
  const until = await log.lastSequence(REGISTRY);
  const seen: string[] = [];
  for await (const commits of log.read(REGISTRY, { after: 0 })) {
    seen.push(...commits.map(({ subject }) => `${aggregateOf(subject).kind} ${aggregateOf(subject).id}`));
    if ((commits.at(-1)?.sequence ?? 0) >= until) break;
  }
  return seen;
}

describe("the first start", () => {
  it("of two replicas at once makes the two namespaces and the admin key, each once", async () => {
    expect((await decisions()).slice(0, 4).sort()).toEqual([
      "api-key admin",
      "namespace default",
      "namespace test",
    ]);
    const { namespaces } = await two.client.listNamespaces({});
    expect(namespaces).toMatchObject([
      { id: "default", name: "default" },
      { id: "test", name: "test" },
    ]);
    expect((await check(two, ADMIN)).key).toMatchObject({ id: "admin", permission: "admin", namespace: "" });
  });
});

describe("a namespace", () => {
  it("is found by its name and by its id, at once and through the other replica", async () => {
    const { namespace } = await one.client.createNamespace({ name: "roofs", ...by });
    expect(namespace).toMatchObject({ name: "roofs", id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    for (const idOrName of ["roofs", namespace?.id ?? ""]) {
      expect((await two.client.getNamespace({ idOrName })).namespace).toEqual(namespace);
    }
    expect((await two.client.listNamespaces({})).namespaces.map(({ name }) => name)).toContain("roofs");
  });

  it("has a name of its own: of two who ask at once one gets it", async () => {
    const answers = await Promise.allSettled(
      [one, two, one, two].map(({ client }) => client.createNamespace({ name: "contended", ...by })),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === "rejected") expect(answer.reason).toMatchObject({ code: "already_exists" });
    }
  });

  it.each(["Roofs", "", "a.b"])("cannot be named %j", async (name) => {
    const asked = one.client.createNamespace({ name, ...by });
    await expect(asked).rejects.toMatchObject({ code: "invalid_argument", details: { field: "name" } });
  });

  it("that always exists cannot be created again", async () => {
    await expect(two.client.createNamespace({ name: "default", ...by })).rejects.toMatchObject({
      code: "already_exists",
    });
  });

  it.each(["nothing", "00000000-0000-0000-0000-000000000000", "", "\u0000", "x".repeat(5_000)])(
    "that is not there is not found: %j",
    async (idOrName) => {
      await expect(one.client.getNamespace({ idOrName })).rejects.toMatchObject({ code: "not_found" });
    },
  );
});

describe("an API key", () => {
  it("opens at once, on every replica, what it was made for", async () => {
    const { key, secret } = await createKey({ permission: "write" });
    expect(secret).toMatch(/^fl_[A-Za-z0-9_-]{43}$/);
    for (const replica of [one, two]) expect((await check(replica, secret)).key).toEqual(key);
    expect((await two.client.listApiKeys({ namespace: "default" })).keys).toContainEqual(key);
  });

  it("of kind cred has the form that cred's devices know, and is good and void like any other", async () => {
    const { key, secret } = await createKey({ kind: "cred", permission: "write" });
    expect(secret).toMatch(/^[A-Za-z0-9]{43}$/);
    for (const replica of [one, two]) expect((await check(replica, secret)).key).toEqual(key);
    expect(key).toMatchObject({ kind: "cred", permission: "write", namespace: "default" });
    await one.client.revokeApiKey({ namespace: "default", id: key.id, ...by });
    for (const replica of [one, two])
      await expect(check(replica, secret)).rejects.toMatchObject(unauthenticated);
  });

  it("has a number, higher than those made before it, and of kind cred a beginning by which it is told", async () => {
    const native = await createKey();
    const cred = await createKey({ kind: "cred" });
    expect(native.key).toMatchObject({ number: native.sequence, prefix: "" });
    expect(cred.key).toMatchObject({ number: cred.sequence, prefix: cred.secret.slice(0, 8) });
    expect(Number(cred.sequence)).toBeGreaterThan(Number(native.sequence));
    const { keys } = await two.client.listApiKeys({ namespace: "default" });
    expect(keys).toEqual(expect.arrayContaining([native.key, cred.key]));
  });

  it("of kind edge-impulse has the form that boards know, and may write unless it was said", async () => {
    const { key, secret } = await createKey({ kind: "edge-impulse", permission: "" });
    expect(secret).toMatch(/^ei_[0-9a-f]{64}$/);
    expect((await check(two, secret)).key).toEqual(key);
    expect(key).toMatchObject({ kind: "edge-impulse", permission: "write", namespace: "default" });
    expect((await createKey({ kind: "edge-impulse", permission: "admin" })).key.permission).toBe("admin");
  });

  it("of kind hmac is told again, on every replica, until it is void; it opens nothing, and is kept sealed", async () => {
    const { key, secret } = await createKey({ kind: "hmac", permission: "", namespace: "test" });
    expect(secret).toMatch(/^[0-9a-f]{32}$/);
    const told = async () => (await two.client.listHmacKeys({ namespace: "test" })).keys;
    const { id, name, createdAt } = key;
    expect(await told()).toMatchObject([{ id, name, createdAt, key: secret }]);
    await expect(check(one, secret)).rejects.toMatchObject(unauthenticated);
    expect(await kept({ natsUrl: servers.nats.url, postgresUrl })).not.toContain(secret);
    const next = await createKey({ kind: "hmac", permission: "", namespace: "test" });
    expect((await told()).map((one) => one.key)).toEqual([secret, next.secret]);
    await one.client.revokeApiKey({ namespace: "test", id: key.id, ...by });
    expect((await told()).map((one) => one.key)).toEqual([next.secret]);
  });

  it("of kind hmac is made where there is none, once though several ask, and again after it was revoked", async () => {
    const { namespace } = await one.client.createNamespace({ name: "boards", ...by });
    const asked = { namespace: namespace?.id ?? "", ensure: true };
    expect((await two.client.listHmacKeys({ ...asked, ensure: false })).keys).toEqual([]);
    const answers = await Promise.all([one, two, one, two].map(({ client }) => client.listHmacKeys(asked)));
    const keys = answers.flatMap((answer) => answer.keys.map(({ key }) => key));
    expect([keys.length, new Set(keys).size]).toEqual([4, 1]);
    const id = answers[0]?.keys[0]?.id ?? "";
    await one.client.revokeApiKey({ namespace: asked.namespace, id, ...by });
    const again = await one.client.listHmacKeys(asked);
    expect(again.keys).toHaveLength(1);
    expect(keys).not.toContain(again.keys[0]?.key);
    const nowhere = one.client.listHmacKeys({ namespace: "nothing" });
    await expect(nowhere).rejects.toMatchObject({ code: "not_found" });
  });

  it("that nobody made opens nothing", async () => {
    await expect(check(one, "fl_nothing")).rejects.toMatchObject(unauthenticated);
    await expect(one.client.checkApiKey({ keyHash: new Uint8Array(3) })).rejects.toMatchObject(
      unauthenticated,
    );
  });

  it("that was revoked opens nothing from then on, on every replica", async () => {
    const { key, secret } = await createKey();
    const asked = { namespace: "default", id: key.id, ...by };
    const { sequence } = await one.client.revokeApiKey(asked);
    for (const replica of [one, two])
      await expect(check(replica, secret)).rejects.toMatchObject(unauthenticated);
    expect((await two.client.revokeApiKey(asked)).sequence, "asked twice").toBe(sequence);
    const { keys } = await one.client.listApiKeys({ namespace: "default" });
    expect(keys.find(({ id }) => id === key.id)?.revokedAt).toBeDefined();
  });

  it("is revoked in its own namespace only", async () => {
    const { key, secret } = await createKey();
    const elsewhere = one.client.revokeApiKey({ namespace: "test", id: key.id, ...by });
    await expect(elsewhere).rejects.toMatchObject({ code: "not_found" });
    await check(one, secret);
  });

  it("opens nothing once it has expired", async () => {
    const { secret } = await createKey({ expiresAt: BigInt(Date.now() + 5_000) });
    await check(one, secret);
    await until("expired", async () => {
      const refused = await check(one, secret).catch((error: unknown) => error);
      return (refused as { code?: string }).code === "unauthenticated";
    });
  });

  it("needs a namespace that exists, or none", async () => {
    await expect(createKey({ namespace: "nothing" })).rejects.toMatchObject({ code: "not_found" });
    expect((await createKey({ namespace: "" })).key.namespace).toBe("");
  });

  it("is bound to its namespace's id, also when the namespace was named", async () => {
    const { namespace } = await one.client.createNamespace({ name: "named", ...by });
    expect((await createKey({ namespace: "named" })).key.namespace).toBe(namespace?.id);
  });

  it("is refused by the field that is wrong", async () => {
    await expect(createKey({ permission: "root" })).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "permission" },
    });
  });
});

describe("a device's credential", () => {
  const asked = (device: string, namespace = "default") => ({ namespace, device, kind: "csn-secret" });

  it("is issued once, and known at once to every replica", async () => {
    const { secret } = await one.client.issueDeviceCredential(asked("17"));
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    const found = await two.client.getDeviceCredential({ namespace: "default", device: "17" });
    expect(found).toMatchObject({ kind: "csn-secret", secret });
    await expect(two.client.issueDeviceCredential(asked("17"))).rejects.toMatchObject({
      code: "already_exists",
    });
  });

  it("goes to one of two who ask at once", async () => {
    const answers = await Promise.allSettled(
      [one, two, one, two].map(({ client }) => client.issueDeviceCredential(asked("18"))),
    );
    const given = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value.secret] : []));
    expect(given).toHaveLength(1);
    const found = await one.client.getDeviceCredential({ namespace: "default", device: "18" });
    expect(found.secret).toBe(given[0]);
  });

  it("is a namespace's own", async () => {
    const { namespace } = await one.client.createNamespace({ name: "cellars", ...by });
    const id = namespace?.id ?? "";
    const { secret } = await two.client.issueDeviceCredential(asked("17", id));
    expect((await one.client.getDeviceCredential({ namespace: id, device: "17" })).secret).toBe(secret);
    await expect(one.client.getDeviceCredential({ namespace: "test", device: "17" })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  it("is not issued in a namespace that is not there, nor by its name", async () => {
    for (const namespace of ["nothing", "cellars", "_", ""]) {
      await expect(one.client.issueDeviceCredential(asked("19", namespace))).rejects.toMatchObject({
        code: "not_found",
      });
    }
  });

  it("is kept sealed: neither the log nor the database nor a log line holds it, nor an API key", async () => {
    const { secret } = await one.client.issueDeviceCredential(asked("20"));
    const key = await createKey();
    const texts = [one.logged(), two.logged(), await kept({ natsUrl: servers.nats.url, postgresUrl })];
    for (const text of texts) {
      for (const word of [secret, key.secret, ADMIN]) expect(text.includes(word)).toBe(false);
    }
  });
});

it("everything is there after a restart, also on an empty database, where the tables are built from the log", async () => {
  const { secret: keySecret, key } = await createKey();
  const asked = { namespace: "default", device: "21" };
  const { secret } = await one.client.issueDeviceCredential({ ...asked, kind: "csn-secret" });
  const before = await one.client.listNamespaces({});
  await one.close();
  one = await start();
  const anew = await startReplica({
    natsUrl: servers.nats.url,
    postgresUrl: await servers.databaseUrl("anew"),
  });
  try {
    await until("built", async () => (await check(anew, keySecret).catch(() => undefined)) !== undefined);
    for (const replica of [one, anew]) {
      expect((await check(replica, keySecret)).key).toEqual(key);
      expect((await replica.client.getDeviceCredential(asked)).secret).toBe(secret);
      expect(await replica.client.listNamespaces({})).toEqual(before);
    }
  } finally {
    await anew.close();
  }
});
