import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { idInShard, limits, shardOf } from "@fieldlog/contracts";
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
  const namespaces = new Namespaces(aggregates, snapshots, () => box, 1);
  const create = (owner: string) => namespaces.create({ name: "roofs", owner, settings: SETTINGS }, "test");
  await expect(create("u1")).rejects.toEqual(new TooMany("namespaces of yours", most));
  await create("u2");
  await create("");
  all = limits.namespaces;
  for (const owner of ["u2", ""]) await expect(create(owner)).rejects.toBeInstanceOf(TooMany);
});

it("a namespace goes into the shard that is asked for, or else the one with the fewest", async () => {
  const uuid = "81bf7042-e20f-4a97-ac44-c15853e3618f";
  const there = ["default", "test", idInShard(uuid, 1)].map((id) => ({ phase: "created", id }));
  const snapshots = {
    count: async () => there.length,
    list: async () => there.map((state) => ({ state })),
  } as unknown as Snapshots;
  const made: string[] = [];
  const transact = async () => ({ snapshot: { state: {}, sequence: 1 } });
  const newDataKey = (id: string) => {
    made.push(id);
    return box;
  };
  const namespaces = new Namespaces({ transact } as unknown as Aggregates, snapshots, newDataKey, 3);
  const asked = { name: "roofs", owner: "", settings: SETTINGS };
  for (const shard of [undefined, 0, 1, 2]) await namespaces.create({ ...asked, shard }, "test");
  expect(made.map(shardOf)).toEqual([2, 0, 1, 2]);
  await expect(namespaces.create({ ...asked, shard: 3 }, "test")).rejects.toMatchObject({ field: "shard" });
  there.push({ phase: "created", id: idInShard(uuid, 2) });
  await namespaces.create(asked, "test");
  expect(shardOf(made.at(-1) ?? "")).toBe(1);
});
