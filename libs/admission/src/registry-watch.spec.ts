import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AggregateId,
  auth,
  CLEARING,
  devices,
  REGISTRY,
  registry as registry_,
  registrySubject,
} from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { expect, it, vi } from "vitest";
import { createKnown, deviceKey } from "./known.js";
import { RegistryWatch } from "./registry-watch.js";

it("a decision on a namespace's members drops the roles of that namespace and of no other", async () => {
  const asked: string[] = [];
  const known = createKnown(
    {
      ...{ devices: unused, subscriptions: unused, offers: unused, provisioning: unused },
      auth: {
        ...unused,
        getRole: async ({ namespace, userId }) => {
          asked.push(deviceKey(namespace ?? "", userId ?? ""));
          return { $typeName: "fieldlog.auth.v1.GetRoleResponse", role: "editor" };
        },
      },
    },
    Date.now,
  );
  const all = [deviceKey("n1", "ash"), deviceKey("n1", "ivy"), deviceKey("n10", "ash")];
  const { log, decide } = registry();
  const watch = new RegistryWatch(log, known, { warn: () => {}, error: () => {} });
  await watch.start();
  const roles = async () => {
    asked.length = 0;
    for (const key of all) expect(await known.roles.get(key)).toBe("editor");
    return [...asked];
  };
  expect(await roles()).toEqual(all);
  expect(await roles()).toEqual([]);
  await decide({ namespace: "n1", kind: "member", id: "all" });
  expect(await roles()).toEqual(all.slice(0, 2));
  await watch.stop();
});

it("a decision on a namespace's API keys drops the keys that its devices sign with", async () => {
  const asked: string[] = [];
  const listHmacKeys = async ({ namespace = "", ensure }: { namespace?: string; ensure?: boolean }) => {
    asked.push(`${namespace} ${ensure}`);
    return create(auth.ListHmacKeysResponseSchema, { keys: [{ key: "k", expiresAt: 5n }] });
  };
  const from = { devices: unused, subscriptions: unused, offers: unused, provisioning: unused };
  const known = createKnown({ ...from, auth: { ...unused, listHmacKeys } }, Date.now);
  const { log, decide } = registry();
  const watch = new RegistryWatch(log, known, { warn: () => {}, error: () => {} });
  await watch.start();
  for (const id of ["n1", "n2", "n1"]) {
    expect(await known.hmacKeys.get(id)).toEqual([{ key: "k", expiresAt: 5 }]);
  }
  await decide({ namespace: "n1", kind: "api-key", id: "7" });
  for (const id of ["n1", "n2"]) await known.hmacKeys.get(id);
  expect(asked).toEqual(["n1 true", "n2 true", "n1 true"]);
  await watch.stop();
});

it("devices of one id are known with their passwords, and again where another one takes it", async () => {
  const asked: string[] = [];
  const of = (namespace: string) => ({ namespace, secretHash: Buffer.from(`hash in ${namespace}`) });
  const findMqttPassword = async ({ namespace = "", device }: { namespace?: string; device?: string }) => {
    asked.push(deviceKey(namespace, device ?? ""));
    // The read model that is asked after the decision is a moment behind.
    const others = asked.length <= 2 ? [] : [of("n2")];
    return create(auth.FindMqttPasswordResponseSchema, { ...of("n1"), others });
  };
  const from = { devices: unused, subscriptions: unused, offers: unused, provisioning: unused };
  const known = createKnown({ ...from, auth: { ...unused, findMqttPassword } }, Date.now);
  const { log, decide } = registry();
  const watch = new RegistryWatch(log, known, { warn: () => {}, error: () => {} });
  await watch.start();
  const found = async () => (await known.passwords.get("/d"))?.map(({ namespace }) => namespace);
  expect([await found(), await found()]).toEqual([["n1"], ["n1"]]);
  await decide({ namespace: "n2", kind: "credential", id: "d" });
  expect([await found(), await found()]).toEqual([["n1"], ["n1"]]);
  expect(asked).toEqual(["/d", "/d"]);
  await vi.waitFor(async () => expect(await found()).toEqual(["n1", "n2"]), { timeout: 5_000 });
  await watch.stop();
});

it("a clearing drops what was known of the namespace's devices, or of the erased one, and of no other", async () => {
  const asked: string[] = [];
  const known = createKnown(
    {
      ...{ auth: unused, subscriptions: unused, offers: unused, provisioning: unused },
      devices: {
        getDevice: async ({ namespace, device }) => {
          asked.push(deviceKey(namespace ?? "", device ?? ""));
          return { $typeName: "fieldlog.devices.v1.GetDeviceResponse", device: created };
        },
      },
    },
    Date.now,
  );
  const all = [deviceKey("n1", "a"), deviceKey("n1", "b"), deviceKey("n10", "a")];
  const { log, decide } = registry();
  const heard: AggregateId[] = [];
  const watch = new RegistryWatch(
    log,
    known,
    { warn: () => {}, error: () => {} },
    (id) => void heard.push(id),
  );
  await watch.start();
  const found = async () => {
    asked.length = 0;
    for (const key of all) await known.registered.get(key);
    return [...asked];
  };
  const cleared = (device: string) =>
    toBinary(
      registry_.DecisionSchema,
      create(registry_.DecisionSchema, {
        events: [{ event: { case: "namespaceCleared", value: { namespace: "n1", device } } }],
      }),
    );
  expect(await found()).toEqual(all);
  expect(await found()).toEqual([]);
  await decide(CLEARING, cleared("b"));
  expect(await found()).toEqual(["n1/b"]);
  await decide(CLEARING, cleared(""));
  expect(await found()).toEqual(["n1/a", "n1/b"]);
  expect(heard).toEqual([
    { namespace: "n1", kind: "clearing", id: "b" },
    { namespace: "n1", kind: "clearing", id: "" },
  ]);
  // Once more, should a service have told of what was just cleared.
  await vi.waitFor(async () => expect(await found()).toContain("n1/a"), { timeout: 5_000 });
  await watch.stop();
});

/** A log that tells decisions as they are taken. */
function registry() {
  let next = Promise.withResolvers<Commit>();
  let sequence = 0;
  return {
    log: {
      lastSequence: async () => 0,
      async *read(_: string, { signal }: { signal?: AbortSignal }) {
        const ended = new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
        for (;;) {
          const commit = await Promise.race([next.promise, ended]);
          if (!commit) return;
          next = Promise.withResolvers();
          yield [commit];
        }
      },
    },
    decide: async (id: AggregateId, data: Uint8Array = new Uint8Array()) => {
      sequence++;
      const subject = registrySubject(id);
      next.resolve({ stream: REGISTRY, subject, sequence, time: new Date(0), data });
      await new Promise((resolve) => setTimeout(resolve, 10));
    },
  };
}

const created = create(devices.DeviceSchema, { id: "a", dialect: "native" });

const never = async () => {
  throw new RpcError("internal", "not asked in this test");
};
const unused = {
  getDeviceCredential: never,
  checkApiKey: never,
  listHmacKeys: never,
  checkDeviceSession: never,
  getNamespace: never,
  findMqttPassword: never,
  checkSession: never,
  getRole: never,
  getDevice: never,
  getSubscription: never,
  listOpenRequests: never,
  checkConnectionToken: never,
};
