import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, type Replica, startPair } from "./replica.fixture.js";
import { hashOf } from "./service/secret-hash.js";

let pair: Awaited<ReturnType<typeof startPair>>;
let one: Replica;
let two: Replica;
beforeAll(async () => {
  pair = await startPair();
  ({ one, two } = pair);
});
afterAll(() => pair?.stop());

const decidedBy = "key:admin";
const namespace = "default";
const unauthenticated = { code: "unauthenticated" };

async function createKey(expiresAt?: bigint) {
  const asked = { namespace, name: "porch", kind: "cred", permission: "write", decidedBy };
  const { key, secret } = await one.client.createApiKey({
    ...asked,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  if (!key) throw new Error("no key in the answer");
  return { key, secret };
}
const start = (secret: string, device = "7", at = namespace) =>
  one.client.startDeviceSession({ keyHash: hashOf(secret), namespace: at, device });
const check = (replica: Replica, token: string) =>
  replica.client.checkDeviceSession({ tokenHash: hashOf(token) });

async function expectVoid(token: string) {
  for (const replica of [one, two]) {
    await expect(check(replica, token)).rejects.toMatchObject(unauthenticated);
  }
}

describe("a device's session", () => {
  it("is known to every replica at once, with its device and what its key may", async () => {
    const { key, secret } = await createKey();
    const { token } = await start(secret);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    for (const replica of [two, one]) {
      expect(await check(replica, token)).toMatchObject({ namespace, device: "7", key });
    }
    expect((await start(secret)).token).not.toBe(token);
  });

  it("is started by the admin key, in any namespace", async () => {
    const { token } = await start(ADMIN, "8", "test");
    const key = { id: "admin", permission: "admin" };
    expect(await check(two, token)).toMatchObject({ namespace: "test", device: "8", key });
  });

  it("is void from when its key is revoked", async () => {
    const { key, secret } = await createKey();
    const { token } = await start(secret);
    await two.client.revokeApiKey({ namespace, id: key.id, decidedBy });
    await expectVoid(token);
    await expect(start(secret)).rejects.toMatchObject(unauthenticated);
  });

  it("can be ended, and its key stays good; asked twice, it succeeds twice", async () => {
    const { secret } = await createKey();
    const { token } = await start(secret);
    const other = await start(secret);
    await two.client.endSession({ tokenHash: hashOf(token) });
    await one.client.endSession({ tokenHash: hashOf(token) });
    await expectVoid(token);
    await check(two, other.token);
  });

  it("is no session of a user, nor is a user's one of a device", async () => {
    const { token } = await start((await createKey()).secret);
    const tokenHash = hashOf(token);
    await expect(one.client.checkSession({ tokenHash })).rejects.toMatchObject(unauthenticated);
    const user = await one.client.createUser({ name: "ash", password: "a password of ash" });
    await expectVoid(user.token);
  });

  it("needs a key that is good for the namespace, and a device's id", async () => {
    const { secret } = await createKey();
    await expect(start("nothing")).rejects.toMatchObject(unauthenticated);
    await expect(start(secret, "7", "nowhere")).rejects.toMatchObject({ code: "not_found" });
    const refused = (field: string) => ({ code: "invalid_argument", details: { field } });
    await expect(start(secret, "7", "test")).rejects.toMatchObject(refused("namespace"));
    await expect(start(secret, "")).rejects.toMatchObject(refused("device"));
    await expectVoid("0".repeat(64));
    const tokenHash = new Uint8Array(3);
    await expect(one.client.checkDeviceSession({ tokenHash })).rejects.toMatchObject(unauthenticated);
  });
});
