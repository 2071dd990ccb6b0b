import { expect, it } from "vitest";
import { idInShard, MOST_SHARDS, shardOf } from "./shard.js";

const UUID = "81bf7042-e20f-4a97-ac44-c15853e3618f";

it("a namespace is in the shard that its id was made for", () => {
  for (const shard of [0, 1, 9, 63, 4_095]) expect(shardOf(idInShard(UUID, shard))).toBe(shard);
});

it("the id of a further shard is a UUID of version 8, and that of the first stays as it is", () => {
  expect(idInShard(UUID, 0)).toBe(UUID);
  expect(idInShard(UUID, 10)).toBe("81bf7042-e20f-800a-ac44-c15853e3618f");
});

it("whatever else a namespace goes by, it is in the first shard", () => {
  const others = [
    "default",
    "test",
    "_",
    "",
    UUID,
    "81bf7042-e20f-8-1f-ac44-c15853e3618f",
    UUID.replace("-4a", "-8x"),
  ];
  for (const id of others) expect(shardOf(id)).toBe(0);
});

it("there are no others than ids tell", () => {
  for (const shard of [-1, 0.5 - 1, MOST_SHARDS, Number.NaN]) {
    expect(() => idInShard(UUID, shard)).toThrow(RangeError);
  }
});
