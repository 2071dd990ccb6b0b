import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { limits, REGISTRY, registry } from "@fieldlog/contracts";
import { connectLog } from "@fieldlog/event-log";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kept, type Replica, startPair } from "./replica.fixture.js";

let pair: Awaited<ReturnType<typeof startPair>>;
let one: Replica;
let two: Replica;
beforeAll(async () => {
  pair = await startPair();
  ({ one, two } = pair);
});
afterAll(() => pair?.stop());

const by = { decidedBy: "key:admin" };
const sha256 = (text: string) => createHash("sha256").update(text).digest();
const issue = async (replica: Replica, device: string, namespace = "default", kind = "mqtt-password") =>
  (await replica.client.issueDeviceCredential({ namespace, device, kind })).secret;
const find = (replica: Replica, device: string, namespace = "") =>
  replica.client.findMqttPassword({ namespace, device });
const hashes = async (device: string) => {
  const found = [];
  for (const replica of [one, two]) {
    for (const namespace of ["", "default"]) {
      found.push(Buffer.from((await find(replica, device, namespace)).secretHash));
    }
  }
  return found;
};
const notFound = { code: "not_found" };

describe("an MQTT password", () => {
  it("is found by its device's id alone, and with the namespace, at once and on every replica", async () => {
    const secret = await issue(one, "m1");
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    for (const hash of await hashes("m1")) expect(hash).toEqual(sha256(secret));
    expect((await find(two, "m1")).namespace).toBe("default");
    await expect(find(two, "m1", "test")).rejects.toMatchObject(notFound);
  });

  it("is found by its device's id alone right after it was issued, on the other replica", async () => {
    for (let i = 0; i < 20; i++) {
      const secret = await issue(one, `fresh-${i}`);
      expect(Buffer.from((await find(two, `fresh-${i}`)).secretHash)).toEqual(sha256(secret));
    }
  });

  it("is replaced by the next one, while others are checking", async () => {
    await issue(one, "m2");
    for (let i = 0; i < 10; i++) {
      const checking = find(two, "m2");
      const secret = await issue(i % 2 ? one : two, "m2");
      await checking;
      for (const hash of await hashes("m2")) expect(hash).toEqual(sha256(secret));
    }
  });

  it("of several that are asked for at once is the one of the last decision", async () => {
    const secrets = await Promise.all([one, two, one].map((replica) => issue(replica, "m3")));
    const [first, ...others] = await hashes("m3");
    expect(secrets.map(sha256)).toContainEqual(first);
    for (const other of others) expect(other).toEqual(first);
  });

  it("of devices with the same id in two namespaces is found beside the other's", async () => {
    const secrets = { default: await issue(one, "m4"), test: await issue(one, "m4", "test") };
    const { others, ...first } = await find(one, "m4");
    const found = [first, ...others].map(({ namespace, secretHash }) => [namespace, Buffer.from(secretHash)]);
    expect(found).toEqual(Object.entries(secrets).map(([namespace, secret]) => [namespace, sha256(secret)]));
    for (const [namespace, secret] of Object.entries(secrets)) {
      const one = await find(two, "m4", namespace);
      expect(Buffer.from(one.secretHash)).toEqual(sha256(secret));
      expect(one.others).toEqual([]);
    }
    await one.client.revokeDeviceCredentials({ namespace: "test", device: "m4", ...by });
    expect(await find(two, "m4")).toMatchObject({ namespace: "default", others: [] });
  });

  it("is found by its device's id alone however many others take that id, and when it is replaced", async () => {
    await issue(one, "m8", "test");
    for (let i = 0; i <= limits.devicesOfOneId; i++) {
      const { namespace } = await one.client.createNamespace({ name: `crowd-${i}`, ...by });
      await issue(one, "m8", namespace?.id);
    }
    const secret = await issue(one, "m8", "test");
    const found = await find(one, "m8");
    expect(found.namespace).toBe("test");
    expect(Buffer.from(found.secretHash)).toEqual(sha256(secret));
    expect(found.others).toHaveLength(limits.devicesOfOneId - 1);
  });

  it("stands beside a CSN secret", async () => {
    const secret = await issue(one, "m5", "default", "csn-secret");
    await expect(find(one, "m5")).rejects.toMatchObject(notFound);
    const password = await issue(two, "m5");
    expect((await one.client.getDeviceCredential({ namespace: "default", device: "m5" })).secret).toBe(
      secret,
    );
    for (const hash of await hashes("m5")) expect(hash).toEqual(sha256(password));
    await expect(
      one.client.getDeviceCredential({ namespace: "default", device: "m1" }),
    ).rejects.toMatchObject(notFound);
  });

  it("needs a namespace that is there, by its id, and a kind that is one", async () => {
    for (const namespace of ["nothing", "_", ""]) {
      await expect(issue(one, "m6", namespace)).rejects.toMatchObject(notFound);
    }
    await expect(issue(one, "m6", "default", "password")).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "kind" },
    });
  });

  it.each(["", "nobody", "\u0000", "x".repeat(5_000)])("of %j is not found", async (device) => {
    for (const namespace of ["", "default", "nothing"]) {
      await expect(find(one, device, namespace)).rejects.toMatchObject(notFound);
    }
  });

  it("is kept nowhere", async () => {
    const secret = await issue(one, "m7");
    for (const text of [one.logged(), two.logged(), await kept(pair.urls)]) {
      expect(text.includes(secret)).toBe(false);
    }
  });
});

describe("a signing secret", () => {
  const secrets = (replica: Replica, device: string) =>
    replica.client.getDeviceCredential({ namespace: "default", device, kind: "signing-secret" });

  it("is told by every replica, and with it the one before while that is good", async () => {
    const first = await issue(one, "s1", "default", "signing-secret");
    expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await secrets(two, "s1")).toMatchObject({ secret: first, previousSecret: "" });
    const second = await issue(two, "s1", "default", "signing-secret");
    const told = await secrets(one, "s1");
    expect(told).toMatchObject({ kind: "signing-secret", secret: second, previousSecret: first });
    expect(Number(told.previousUntil) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const third = await issue(one, "s1", "default", "signing-secret");
    expect(await secrets(two, "s1")).toMatchObject({ secret: third, previousSecret: second });
    for (const text of [one.logged(), two.logged(), await kept(pair.urls)]) {
      for (const secret of [first, second, third]) expect(text.includes(secret)).toBe(false);
    }
  });

  it("is no other kind's, ends with all kinds, and needs a namespace that is there", async () => {
    await issue(one, "s2");
    await expect(secrets(one, "s2")).rejects.toMatchObject(notFound);
    await issue(one, "s2", "default", "signing-secret");
    const asked = { namespace: "default", device: "s2" };
    await expect(one.client.getDeviceCredential(asked)).rejects.toMatchObject(notFound);
    await expect(one.client.getDeviceCredential({ ...asked, kind: "x509" })).rejects.toMatchObject(notFound);
    await two.client.revokeDeviceCredentials({ ...asked, ...by });
    await expect(secrets(one, "s2")).rejects.toMatchObject(notFound);
    await expect(issue(one, "s3", "nothing", "signing-secret")).rejects.toMatchObject(notFound);
  });
});

describe("revoking a device's credentials", () => {
  it("ends all kinds on every replica; asked twice, or of a device without any, succeeds", async () => {
    await issue(one, "r1", "default", "csn-secret");
    await issue(one, "r1");
    const asked = { namespace: "default", device: "r1", ...by };
    const { sequence } = await two.client.revokeDeviceCredentials(asked);
    for (const replica of [one, two]) {
      await expect(find(replica, "r1")).rejects.toMatchObject(notFound);
      await expect(find(replica, "r1", "default")).rejects.toMatchObject(notFound);
      await expect(replica.client.getDeviceCredential(asked)).rejects.toMatchObject(notFound);
    }
    expect((await one.client.revokeDeviceCredentials(asked)).sequence).toBe(sequence);
    await one.client.revokeDeviceCredentials({ ...asked, device: "never" });
    await one.client.revokeDeviceCredentials({ ...asked, namespace: "nothing" });
  });

  it("does not keep a device from getting others", async () => {
    const asked = { namespace: "default", device: "r2", ...by };
    await issue(one, "r2");
    await two.client.revokeDeviceCredentials(asked);
    const secret = await issue(one, "r2");
    for (const hash of await hashes("r2")) expect(hash).toEqual(sha256(secret));
  });
});

describe("retention", () => {
  it("is told with the namespace, before and after it was changed, on every replica", async () => {
    const { namespace } = await one.client.createNamespace({ name: "kept", ...by });
    const id = namespace?.id ?? "";
    const told = async (replica: Replica) => (await replica.client.getNamespace({ idOrName: id })).namespace;
    expect(namespace?.retention).toMatchObject({ logDays: 56 });
    expect(namespace?.retention?.measurementDays).toBeUndefined();
    await one.client.setRetention({ namespace: id, retention: { measurementDays: 365 }, ...by });
    for (const replica of [one, two]) {
      expect((await told(replica))?.retention).toMatchObject({ measurementDays: 365 });
      expect((await told(replica))?.retention?.logDays).toBeUndefined();
      const { namespaces } = await replica.client.listNamespaces({});
      expect(namespaces.find((each) => each.id === id)).toEqual(await told(replica));
    }
    const { sequence } = await two.client.setRetention({
      namespace: id,
      retention: { measurementDays: 365 },
      ...by,
    });
    expect(await newestDecision(Number(sequence))).toMatchObject({
      decidedBy: "key:admin",
      events: [{ event: { case: "retentionChanged", value: { measurementDays: 365 } } }],
    });
  });

  it("is refused out of range, missing, and for what is no namespace", async () => {
    const asked = (retention?: { logDays?: number }, namespace = "test") =>
      one.client.setRetention({ namespace, ...(retention ? { retention } : {}), ...by });
    await expect(asked({ logDays: 0 })).rejects.toMatchObject({ details: { field: "log_days" } });
    await expect(asked()).rejects.toMatchObject({ details: { field: "retention" } });
    await expect(asked({ logDays: 1 }, "nothing")).rejects.toMatchObject(notFound);
    await expect(asked({ logDays: 1 }, "kept")).rejects.toMatchObject(notFound);
  });
});

async function newestDecision(sequence: number) {
  const log = await connectLog({ url: pair.urls.natsUrl, name: "test" });
  try {
    for await (const [commit] of log.read(REGISTRY, { after: sequence - 1 })) {
      if (commit) return fromBinary(registry.DecisionSchema, commit.data);
    }
    return undefined;
  } finally {
    await log.close();
  }
}
