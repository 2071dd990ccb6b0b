import { randomUUID } from "node:crypto";
import { objectsBucket } from "@fieldlog/contracts";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers } from "@fieldlog/testkit";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { behavesAsAnObjectStore, bytesOf } from "./behaviour.fixture.js";
import { NatsObjects } from "./nats-objects.js";
import { ObjectsUnavailable } from "./object-store.js";

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
});

async function* one(text: string): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(text);
}
