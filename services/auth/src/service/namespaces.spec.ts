import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import { TooMany } from "../decisions/refusals.js";
import { SETTINGS } from "../decisions/settings.js";
import { ownerKey } from "../read-model.js";
import { Namespaces } from "./namespaces.js";

const box = { keyId: "1", nonce: new Uint8Array(), ciphertext: new Uint8Array() };

it("one user makes so many namespaces, and others and the operator go on", async () => {
  const most = limits.namespacesPerOwner;
  let all: number = most;
  const snapshots = {
    count: async () => all,
    // `u1` has as many as there may be of one user's.
    countFound: async (_: unknown, key: string) => (key === ownerKey("u1") ? most : 0),
  } as unknown as Snapshots;
  const transact = async () => ({ snapshot: { state: {}, sequence: 1 } });
  const aggregates = { transact } as unknown as Aggregates;
  const namespaces = new Namespaces(aggregates, snapshots, () => box);
  const create = (owner: string) => namespaces.create({ name: "roofs", owner, settings: SETTINGS }, "test");
  await expect(create("u1")).rejects.toEqual(new TooMany("namespaces of yours", most));
  await create("u2");
  await create("");
  all = limits.namespaces;
  for (const owner of ["u2", ""]) await expect(create(owner)).rejects.toBeInstanceOf(TooMany);
});
