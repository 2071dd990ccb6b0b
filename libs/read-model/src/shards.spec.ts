import { idInShard, REGISTRY, registrySubject, SIGNALS } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { expect, it } from "vitest";
import type { ReadModelDefinition } from "./definition.js";
import { ofShard, schemaOfShard } from "./shards.js";

const FIRST = "81bf7042-e20f-4a97-ac44-c15853e3618f";
const SECOND = idInShard(FIRST, 1);

const model = (stream: typeof SIGNALS | typeof REGISTRY): ReadModelDefinition<string> => ({
  ...{ name: "things", version: 3, stream, tables: ["things"] },
  create: async () => undefined,
  decode: ({ subject, time }) => [{ namespace: "", key: "", position: 1, time, value: subject }],
  apply: async () => undefined,
});
const decided = (namespace: string) => {
  const subject = registrySubject({ namespace, kind: "namespace", id: "1" });
  return { stream: REGISTRY, subject, sequence: 1, time: new Date(0), data: new Uint8Array() } as Commit;
};

it("the first shard is as if there were no others", () => {
  expect(schemaOfShard("projections", 0)).toBe("projections");
  expect(ofShard(model(SIGNALS), 0)).toMatchObject({ name: "things", version: 3, stream: "SIGNALS" });
  expect(ofShard(model(REGISTRY), 0)).toMatchObject({ name: "things", version: 3, stream: "REGISTRY" });
});

it("a further one has its own stream, names and schema", () => {
  expect(schemaOfShard("projections", 2)).toBe("projections_2");
  expect(ofShard(model(SIGNALS), 2)).toMatchObject({ name: "things_2", version: 3, stream: "SIGNALS_2" });
});

it("of decisions a shard gets those on its namespaces, and on the installation", () => {
  const seen = (shard: number) =>
    ["_", "default", FIRST, SECOND].filter(
      (namespace) => ofShard(model(REGISTRY), shard).decode(decided(namespace)).length > 0,
    );
  expect(seen(0)).toEqual(["_", "default", FIRST]);
  expect(seen(1)).toEqual(["_", SECOND]);
});
