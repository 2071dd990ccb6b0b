import { idInShard } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import { byShard } from "./by-shard.js";

const UUID = "81bf7042-e20f-4a97-ac44-c15853e3618f";
const shard = (number: number) => ({
  ask: async ({ namespace, what }: { namespace: string; what: string }) =>
    `${what} in ${number}: ${namespace}`,
});
const methods = byShard([shard(0), shard(1)]);

it("a request is answered by its namespace's shard", async () => {
  const second = idInShard(UUID, 1);
  expect(await methods.ask({ namespace: "default", what: "a" })).toBe("a in 0: default");
  expect(await methods.ask({ namespace: second, what: "b" })).toBe(`b in 1: ${second}`);
});

it("of a shard that is not served it is refused, to be asked again", async () => {
  const namespace = idInShard(UUID, 2);
  await expect(methods.ask({ namespace, what: "c" })).rejects.toMatchObject({
    ...{ code: "unavailable", message: `namespace ${namespace} lies in shard 2; FIELDLOG_SHARDS is too low` },
  });
});
