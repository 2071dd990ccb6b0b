import { expect, it } from "vitest";
import type { InboundPublish } from "../publish/inbound.js";
import { willsThrough } from "./wills-through.js";

it("a will that is told again is stored under the same identity, whatever came of it before", async () => {
  const identities: (string | undefined)[] = [];
  const publish = willsThrough({
    publish: async (_, { identity }: InboundPublish) => {
      identities.push(identity);
      return { kind: "unavailable" } as never;
    },
    killed: async () => ({ kind: "stored" }) as never,
  });
  const owner = { namespace: "n", clientId: "c", principal: "device:d" };
  const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false, delayS: 0 } as const;
  for (const id of ["a", "a", "b"]) expect(await publish(owner, { ...will, id })).toBe(false);
  expect(identities).toEqual(["will/a", "will/a", "will/b"]);
  // As it was kept of old.
  await publish(owner, will);
  expect(identities[3]).toMatch(/^will\/.{20}/);
});
