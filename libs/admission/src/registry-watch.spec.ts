import { type AggregateId, REGISTRY, registrySubject } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { expect, it } from "vitest";
import { createKnown, deviceKey } from "./known.js";
import { RegistryWatch } from "./registry-watch.js";

it("a decision on a namespace's members drops the roles of that namespace and of no other", async () => {
  const asked: string[] = [];
  const known = createKnown(
    {
      ...{ devices: unused, subscriptions: unused, offers: unused },
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
    decide: async (id: AggregateId) => {
      sequence++;
      const subject = registrySubject(id);
      next.resolve({ stream: REGISTRY, subject, sequence, time: new Date(0), data: new Uint8Array() });
      await new Promise((resolve) => setTimeout(resolve, 10));
    },
  };
}

const never = async () => {
  throw new RpcError("internal", "not asked in this test");
};
const unused = {
  getDeviceCredential: never,
  checkApiKey: never,
  checkDeviceSession: never,
  getNamespace: never,
  findMqttPassword: never,
  checkSession: never,
  getRole: never,
  getDevice: never,
  getSubscription: never,
  listOpenRequests: never,
};
