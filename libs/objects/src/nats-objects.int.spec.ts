import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { objectsBucket } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startNatsCluster } from "@fieldlog/servers";
import { startServers, temporaryDir, until } from "@fieldlog/testkit";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { behavesAsAnObjectStore, bytesOf } from "./behaviour.fixture.js";
import { NatsObjects } from "./nats-objects.js";
import { type ObjectStore, ObjectsUnavailable } from "./object-store.js";

let servers: Awaited<ReturnType<typeof startServers>>;
let log: EventLog;
let store: NatsObjects;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  store = new NatsObjects(log.connection, { replicas: 1, maxBytes: -1 });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

describe("objects in NATS", () => {
  behavesAsAnObjectStore(() => store, randomUUID);

  it("is found by every process, and after the bucket was removed by another one", async () => {
    const namespace = randomUUID();
    const other = new NatsObjects(log.connection, { replicas: 1, maxBytes: -1 });
    await store.put(`${namespace}/a`, one("a"));
    expect((await bytesOf(other.get(`${namespace}/a`))).toString()).toBe("a");
    await (await jetstreamManager(log.connection)).streams.delete(`OBJ_${objectsBucket(namespace)}`);
    await store.put(`${namespace}/b`, one("b")).catch(() => store.put(`${namespace}/b`, one("b")));
    expect((await bytesOf(other.get(`${namespace}/b`))).toString()).toBe("b");
  });

  it("leaves nothing on the server of what was read, and notices what is not as it was stored", async () => {
    const namespace = randomUUID();
    await store.put(`${namespace}/a`, one("x".repeat(300_000)));
    expect(await bytesOf(store.get(`${namespace}/a`))).toHaveLength(300_000);
    const jsm = await jetstreamManager(log.connection);
    const stream = `OBJ_${objectsBucket(namespace)}`;
    const { state } = await jsm.streams.info(stream);
    expect([state.consumer_count, state.messages]).toEqual([0, 4]);
    // The second of its three chunks.
    await jsm.streams.deleteMessage(stream, 2);
    await expect(bytesOf(store.get(`${namespace}/a`))).rejects.toThrow(ObjectsUnavailable);
  });

  it("takes no more than it may, and says so", async () => {
    const small = new NatsObjects(log.connection, { replicas: 1, maxBytes: 300_000 });
    const namespace = randomUUID();
    await expect(small.put(`${namespace}/a`, one("x".repeat(500_000)))).rejects.toThrow(ObjectsUnavailable);
    await small.put(`${namespace}/b`, one("x".repeat(1_000)));
  });

  it("takes more of a namespace that there is, once it may, and keeps what is more than it may", async () => {
    const namespace = randomUUID();
    const allowed = (maxBytes: number) => new NatsObjects(log.connection, { replicas: 1, maxBytes });
    await allowed(300_000).put(`${namespace}/a`, one("x".repeat(200_000)));
    const more = allowed(1_000_000);
    expect(await bytesOf(more.get(`${namespace}/a`))).toHaveLength(200_000);
    await more.put(`${namespace}/b`, one("x".repeat(500_000)));
    const less = allowed(300_000);
    await expect(less.put(`${namespace}/c`, one("c"))).rejects.toThrow(ObjectsUnavailable);
    expect(await bytesOf(less.get(`${namespace}/b`))).toHaveLength(500_000);
  });

  it("keeps as many copies as are asked for, also of a namespace that has fewer", async () => {
    const dataDir = await temporaryDir();
    const nats = await startNatsCluster({ dataDir, size: 3, syncAlways: false });
    const cluster = await connectLog({ url: nats[0]?.url ?? "", name: "test", replicas: 3 });
    try {
      const namespace = randomUUID();
      const copied = (replicas: number) => new NatsObjects(cluster.connection, { replicas, maxBytes: -1 });
      await copied(1).put(`${namespace}/a`, one("a"));
      await copied(3).tidy(0);
      const jsm = await jetstreamManager(cluster.connection);
      const { config } = await jsm.streams.info(`OBJ_${objectsBucket(namespace)}`);
      expect(config.num_replicas).toBe(3);
      await until("its copies answer", async () => {
        return (await bytesOf(copied(3).get(`${namespace}/a`))).toString() === "a";
      });
    } finally {
      await cluster.close();
      await Promise.all(nats.map((server) => server.stop()));
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it("removes what was left of puts and removals that broke off, once it is old, and nothing else", async () => {
    const namespace = randomUUID();
    const jsm = await jetstreamManager(log.connection);
    const [bucket, stream] = [objectsBucket(namespace), `OBJ_${objectsBucket(namespace)}`];
    await store.put(`${namespace}/kept`, one("x".repeat(300_000)));
    await store.put(`${namespace}/replaced`, one("1"));
    await store.put(`${namespace}/replaced`, one("2"));
    await store.put(`${namespace}/gone`, one("gone"));
    await store.delete(`${namespace}/gone`);
    // Killed before it said what they are.
    for (let n = 0; n < 3; n++) await jsm.jetstream().publish(`$O.${bucket}.C.LOST`, "lost");
    const messages = async () => (await jsm.streams.info(stream)).state.messages;
    const before = await messages();
    await store.tidy(Date.now() - 60_000);
    expect(await messages()).toBe(before);
    await store.tidy(Date.now() + 60_000);
    // Three chunks and one, and a name of each.
    expect(await messages()).toBe(6);
    expect(await bytesOf(store.get(`${namespace}/kept`))).toHaveLength(300_000);
    expect((await bytesOf(store.get(`${namespace}/replaced`))).toString()).toBe("2");
    expect(await namesIn(store, `${namespace}/`)).toEqual([`${namespace}/kept`, `${namespace}/replaced`]);
    await store.put(`${namespace}/gone`, one("again"));
    expect((await bytesOf(store.get(`${namespace}/gone`))).toString()).toBe("again");
  });
});

async function namesIn(of: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of of.list(prefix)) names.push(name);
  return names.sort();
}

async function* one(text: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(text);
}
