import { idInShard, limits, signalsStream, signalsSubject } from "@fieldlog/contracts";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Rows } from "./rows.js";
import { UnusedObjects } from "./storage/unused-objects.js";
import { NS, Streams } from "./streams.fixture.js";

const SECOND = idInShard("81bf7042-e20f-4a97-ac44-c15853e3618f", 1);
const NAMESPACES = [NS, SECOND];

let servers: TestServers;
let streams: Streams;
beforeAll(async () => {
  servers = await startServers();
  streams = await Streams.start(servers, { shards: 2 });
});
afterAll(async () => {
  await streams?.close();
  await servers?.stop();
});

const positions = new Map<string, bigint>();
const contents = () =>
  Promise.all(NAMESPACES.map((namespace) => streams.stored(positions.get(namespace) ?? 0n, namespace)));

it("what is sent into a namespace's streams is sorted and stored by its shard", async () => {
  for (const namespace of NAMESPACES) {
    await streams.setStream("s", {}, { namespace });
    const message = { group: "plant", stream: "s", batch: "b", message: "m" };
    positions.set(namespace, BigInt(await streams.say(message, { namespace, payload: `of ${namespace}` })));
  }
  // Each is the first in its stream.
  expect(new Set(positions.values()).size).toBe(1);
  expect(await contents()).toEqual(NAMESPACES.map((namespace) => `of ${namespace}`));
  for (const namespace of NAMESPACES) {
    const { groups } = await streams.client.listGroups({ namespace });
    expect(groups.map(({ name }) => name)).toEqual(["plant"]);
    const { token } = await streams.client.beginAccess({
      ...{ namespace, container: "messages", durationMs: 1_000n },
    });
    expect((await streams.client.listStored({ token, limit: 10 })).files).toHaveLength(1);
    expect((await streams.client.getStored({ token, path: "messages/plant/s/d1/b/m" })).namespace).toBe(
      namespace,
    );
  }
});

it("no shard's objects are unused because another has no rows of them", async () => {
  const databases = [streams.database(0), streams.database(1)];
  const parts = {
    ...{ objects: streams.objects, keys: streams.keys, url: "" },
    logger: { info: () => undefined, warn: () => undefined },
    now: () => Date.now() + limits.streamUploadUnusedMs + 60_000,
  };
  const all = databases.map((database) => ({ rows: new Rows(database), upToDate: async () => true }));
  // Also where the second is not served.
  for (const shards of [all, all.slice(0, 1)]) {
    expect(await new UnusedObjects({ ...parts, shards }).once()).toBe(0);
  }
  expect(await contents()).toEqual(NAMESPACES.map((namespace) => `of ${namespace}`));
  // What it is held against: by the wrong tables the second one's would go.
  expect(await all[0]?.rows.usedPacks(SECOND, [{ object: "x", first: 0, last: 1 }])).toEqual(new Set());
  for (const database of databases) await database.close();
});

it("clearing a namespace removes what its shard stored, and nothing of another's", async () => {
  const { clearings } = streams.log;
  const registryBefore = await clearings.record({ namespace: SECOND }, "test");
  const signalsBefore = await clearings.mark({ namespace: SECOND });
  await clearings.record({ namespace: SECOND, signalsBefore, registryBefore }, "test");
  await clearings.purge(signalsStream(SECOND), signalsSubject(SECOND), signalsBefore);
  const left = async () => {
    const found: string[] = [];
    for await (const name of streams.objects.list(`${SECOND}/`)) found.push(name);
    return found;
  };
  await until("its objects are gone", async () => (await left()).length === 0);
  expect(await streams.stored(positions.get(NS) ?? 0n)).toBe(`of ${NS}`);
  const gone = streams.client.getMessage({ namespace: SECOND, position: positions.get(SECOND) ?? 0n });
  await expect(gone).rejects.toMatchObject({ code: "not_found" });
});
