import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LogUnavailable } from "./errors.js";
import { connectLog, type EventLog } from "./event-log.js";
import { RecordBucket, RecordConflict, type StoredRecord } from "./record-bucket.js";

let servers: TestServers;
let log: EventLog;
let bucket: RecordBucket<number>;

beforeAll(async () => {
  servers = await startServers();
  log = await connectLog({ url: servers.nats.url, name: "test" });
  bucket = await RecordBucket.open<number>(log.connection, {
    ...{ name: "NUMBERS", replicas: 1 },
    encode: (record) => Buffer.from(String(record)),
    decode(data) {
      const record = Number(Buffer.from(data).toString());
      if (Number.isNaN(record)) throw new TypeError("no number");
      return record;
    },
  });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});

const key = (id: string, namespace = "n 1") => ({ namespace, id });

async function all(errors: Error[] = []): Promise<StoredRecord<number>[]> {
  const found: StoredRecord<number>[] = [];
  for await (const each of bucket.all((error) => errors.push(error))) found.push(each);
  return found;
}

it("keeps one record per key; a write that names another revision than the newest conflicts", async () => {
  const a = key("a/.b");
  expect(await bucket.get(a)).toBeUndefined();
  const first = await bucket.write(a, 1, 0);
  await expect(bucket.write(a, 2, 0)).rejects.toBeInstanceOf(RecordConflict);
  const second = await bucket.write(a, 2, first);
  await expect(bucket.write(a, 3, first)).rejects.toBeInstanceOf(RecordConflict);
  expect(await bucket.get(a)).toEqual({ ...a, record: 2, revision: second });
});

it("removes the newest revision and no other, without a trace", async () => {
  const b = key("b");
  const first = await bucket.write(b, 1, 0);
  const second = await bucket.write(b, 2, first);
  await expect(bucket.remove(first)).rejects.toBeInstanceOf(RecordConflict);
  await bucket.remove(second);
  await expect(bucket.remove(second)).rejects.toBeInstanceOf(RecordConflict);
  expect(await bucket.get(b)).toBeUndefined();
  await bucket.write(b, 3, 0);
});

it("counts and lists them, and passes over what is none", async () => {
  await bucket.write(key("c", "other"), 7, 0);
  await bucket.write(key("d", "other"), Number.NaN, 0);
  expect([await bucket.count("n 1"), await bucket.count("other"), await bucket.countAll()]).toEqual([
    2, 2, 4,
  ]);
  const errors: Error[] = [];
  const found = await all(errors);
  expect(found.map(({ namespace, id, record }) => [namespace, id, record]).toSorted()).toEqual([
    ["n 1", "a/.b", 2],
    ["n 1", "b", 3],
    ["other", "c", 7],
  ]);
  expect(errors).toHaveLength(1);
});

it("is unavailable while NATS is away, and there again after it", async () => {
  await servers.nats.kill();
  await expect(bucket.get(key("b"))).rejects.toBeInstanceOf(LogUnavailable);
  await expect(bucket.write(key("e"), 1, 0)).rejects.toBeInstanceOf(LogUnavailable);
  await servers.nats.start();
  await until("it is back", async () => (await bucket.get(key("b")))?.record === 3);
});
