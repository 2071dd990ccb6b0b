import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REGISTRY, SIGNALS } from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog, RecordBucket } from "@fieldlog/event-log";
import { type RunningNats, startNatsCluster } from "@fieldlog/servers";
import { encoded, pick, startServers, type TestServers, until } from "@fieldlog/testkit";
import { jetstreamManager, StoreCompression } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { backUp } from "./back-up.js";
import { restore } from "./restore.js";

const COPIES = 3;
const SIGNALS_STORED = 3_000;

let single: TestServers;
let cluster: RunningNats[] = [];
let postgresUrl = "";
let dir = "";
const clusterUrl = () => cluster.map(({ url }) => url).join(",");

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fieldlog-backup-"));
  single = await startServers();
  postgresUrl = await single.databaseUrl("restored");
  cluster = await startNatsCluster({ dataDir: join(dir, "cluster"), size: COPIES, syncAlways: false });
});
afterAll(async () => {
  await Promise.all([single?.stop(), ...cluster.map((server) => server.stop())]);
  await rm(dir, { recursive: true, force: true });
});

const records = (log: EventLog, replicas: number) =>
  RecordBucket.open<string>(log.connection, {
    ...{ name: "SUBSCRIPTION_CURSORS", replicas },
    encode: (text) => Buffer.from(text),
    decode: (data) => Buffer.from(data).toString(),
  });

async function identities(log: EventLog): Promise<string[]> {
  const found: string[] = [];
  const end = await log.lastSequence(SIGNALS);
  for await (const commits of log.read(SIGNALS, { after: 0, until: end })) {
    for (const { data } of commits) found.push(...decodeBatch(data).map(({ identity }) => identity));
  }
  return found;
}

/** Each at least once: what was tried again may be there twice. */
function isAll(found: readonly string[], stored: readonly string[]): boolean {
  const all = new Set(found);
  return all.size === stored.length && stored.every((identity) => all.has(identity));
}

it("what one server had is put onto three, each with a copy; theirs likewise, with one", async () => {
  const key = { namespace: "default", id: "1" };
  const before = await connectLog({ url: single.nats.url, name: "before" });
  const stored = Array.from({ length: SIGNALS_STORED }, (_, index) => `s${index}`);
  await Promise.all(
    stored.map((identity) => before.signals.append("default", encoded(pick("station", identity)))),
  );
  await (await records(before, 1)).write(key, "here", 0);
  await before.close();
  const folder = join(dir, "of-one");
  const { manifest } = await backUp({ natsUrl: single.nats.url, folder });

  const onto = { postgresUrl, replace: false, reserve: 100 };
  await restore({ ...onto, natsUrl: clusterUrl(), folder, replicas: COPIES });
  const log = await connectLog({ url: clusterUrl(), name: "three", replicas: COPIES });
  const jsm = await jetstreamManager(log.connection);
  for (const { config } of manifest.streams) {
    await until(`${config.name} has its copies`, async () => {
      const { config: now, cluster: peers } = await jsm.streams.info(config.name);
      expect([now.num_replicas, now.compression]).toEqual([COPIES, StoreCompression.None]);
      return peers?.replicas?.filter(({ current }) => current).length === COPIES - 1;
    });
  }
  // Without one of the servers, the others have all of it, and go on.
  const [away] = cluster;
  await away?.kill();
  await until("it is appended", () => log.signals.append("default", encoded(pick("station", "without"))));
  stored.push("without");
  await until("all is read", async () => isAll(await identities(log), stored));
  await away?.start();
  await until("it follows", async () => {
    const usages = await Promise.all([log.usage(SIGNALS), log.usage(REGISTRY)]);
    return usages.every(({ copies }) => copies.current === COPIES - 1);
  });
  expect((await (await records(log, COPIES)).get(key))?.record).toBe("here");
  await log.close();

  const again = join(dir, "of-three");
  const { manifest: ofThree } = await backUp({ natsUrl: clusterUrl(), folder: again });
  await restore({ ...onto, natsUrl: clusterUrl(), folder: again, replicas: 1, replace: true });
  const after = await connectLog({ url: clusterUrl(), name: "after" });
  expect(isAll(await identities(after), stored)).toBe(true);
  expect((await after.usage(SIGNALS)).wanted).toBe(1);
  await after.close();

  // A server that is too old for it keeps what it has.
  if (ofThree.nats === manifest.nats) return;
  const older = restore({ ...onto, natsUrl: single.nats.url, folder: again, replicas: 1, replace: true });
  await expect(older).rejects.toThrow(`the backup is of NATS ${ofThree.nats}`);
  const untouched = await connectLog({ url: single.nats.url, name: "untouched" });
  expect(await identities(untouched)).toHaveLength(SIGNALS_STORED);
  await untouched.close();
}, 240_000);
