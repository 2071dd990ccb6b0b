import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  idInShard,
  REGISTRY,
  SIGNALS,
  signalsStream,
  signalsSubject,
  WRONG_CODES,
} from "@fieldlog/contracts";
import { connectLog, decodeBatch, type EventLog, RecordBucket } from "@fieldlog/event-log";
import { encoded, pick, startServers, type TestServers, until } from "@fieldlog/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backUp } from "./back-up.js";
import { MANIFEST, type Manifest } from "./manifest.js";
import { restore } from "./restore.js";

let old: TestServers;
let fresh: TestServers;
let postgresUrl: string;
let dir: string;

beforeAll(async () => {
  [old, fresh] = await Promise.all([startServers(), startServers()]);
  postgresUrl = await fresh.databaseUrl("restored");
  dir = await mkdtemp(join(tmpdir(), "fieldlog-backup-"));
});
afterAll(async () => {
  await Promise.all([old?.stop(), fresh?.stop()]);
  await rm(dir, { recursive: true, force: true });
});

const SHARED = {
  stream: SIGNALS,
  name: "shared",
  subject: signalsSubject("default"),
  inactiveS: 3600,
} as const;

const records = (log: EventLog, name: string) =>
  RecordBucket.open<string>(log.connection, {
    ...{ name, replicas: 1 },
    encode: (text) => Buffer.from(text),
    decode: (data) => Buffer.from(data).toString(),
  });

async function identities(log: EventLog, after = 0): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>();
  const end = await log.lastSequence(SIGNALS);
  for await (const commits of log.read(SIGNALS, { after, until: end })) {
    for (const { sequence, data } of commits)
      found.set(
        sequence,
        decodeBatch(data).map((signal) => signal.identity),
      );
  }
  return found;
}

/** Takes so many commits of the group, and acknowledges them. */
async function take(log: EventLog, count: number): Promise<number[]> {
  const group = await log.group({ ...SHARED, after: 0 });
  const stop = new AbortController();
  const taken: number[] = [];
  const following = group.follow({
    room: async () => 1,
    take: (handout) => {
      if (taken.length === count) return handout.giveBack();
      taken.push(handout.sequence);
      handout.ack();
    },
    signal: stop.signal,
  });
  await until("the group has them", async () => taken.length === count);
  stop.abort();
  await following;
  return taken;
}

async function schemas(): Promise<number> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  const { rowCount } = await client.query(
    "SELECT FROM information_schema.schemata WHERE schema_name LIKE 'thing%'",
  );
  await client.end();
  return rowCount ?? 0;
}

async function makeTables(): Promise<void> {
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(
    "CREATE SCHEMA things; CREATE TABLE things.read_models (); CREATE SCHEMA things__notes_rebuild",
  );
  await client.end();
}

const goBack = (folder: string, replace = false, onProgress?: (step: string) => void) =>
  restore({
    ...{ natsUrl: fresh.nats.url, postgresUrl, folder, replicas: 1, replace, reserve: 50 },
    ...(onProgress && { onProgress }),
  });

describe("a backup", () => {
  let folder: string;
  let manifest: Manifest;
  let acknowledged: Map<number, string[]>;
  let takenBefore: number[];

  it("is taken while signals arrive, and is of another folder than the last one", async () => {
    const log = await connectLog({ url: old.nats.url, name: "test" });
    // Several of the server's blocks, and of the snapshot's pieces.
    const body = { case: "message" as const, value: { payload: randomBytes(200_000) } };
    for (let i = 0; i < 120; i++) {
      await log.signals.append("default", encoded(pick("station", `before-${i}`, i, { body })));
    }
    const device = { namespace: "default", kind: "device", id: "1" } as const;
    await log.registry.append(device, { events: [], decidedAt: 1n, decidedBy: "test" }, 0);
    const keys = await records(log, "DEVICE_KEYS");
    await keys.write({ namespace: "default", id: "1" }, "sealed", 0);
    await (await records(log, WRONG_CODES)).write({ namespace: "default", id: "1" }, "passing", 0);
    await (await log.group({ ...SHARED, after: 0 })).delete();
    takenBefore = await take(log, 10);
    acknowledged = await identities(log);

    folder = join(dir, "first");
    let sending = true;
    let sent = 0;
    const sender = (async () => {
      while (sending) await log.signals.append("default", encoded(pick("station", `while-${sent++}`)));
    })();
    const seen = new Set<string>();
    ({ manifest } = await backUp({
      ...{ natsUrl: old.nats.url, folder },
      onProgress: (stream) => seen.add(stream),
    }));
    sending = false;
    await sender;
    await log.close();

    expect(sent).toBeGreaterThan(0);
    expect(manifest.version).toBe(1);
    expect([...seen].sort()).toEqual(["KV_DEVICE_KEYS", REGISTRY, SIGNALS].sort());
    await expect(backUp({ natsUrl: old.nats.url, folder })).rejects.toThrow("is not empty");
  });

  it("is refused when it is damaged, and changes nothing then", async () => {
    const file = join(folder, "SIGNALS.snapshot");
    const whole = await readFile(file);
    const changed = Buffer.from(whole);
    changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
    await writeFile(file, changed);
    await expect(goBack(folder)).rejects.toThrow("the checksum of SIGNALS.snapshot is wrong");
    await writeFile(file, whole.subarray(1));
    await expect(goBack(folder)).rejects.toThrow(/SIGNALS.snapshot has \d+ bytes instead of \d+/);
    await rm(file);
    await expect(goBack(folder)).rejects.toThrow("SIGNALS.snapshot is missing");
    await writeFile(file, whole);

    const text = await readFile(join(folder, MANIFEST), "utf8");
    await writeFile(join(folder, MANIFEST), text.replace(/"last_seq": \d+/, '"last_seq": 1'));
    await expect(goBack(folder)).rejects.toThrow("manifest.json is damaged");
    await writeFile(join(folder, MANIFEST), "{}");
    await expect(goBack(folder)).rejects.toThrow("is not of a backup of Fieldlog");
    await writeFile(join(folder, MANIFEST), text);
    await expect(goBack(dir)).rejects.toThrow("holds no manifest.json that can be read (ENOENT)");
    const monitor = await fetch(`${fresh.nats.monitorUrl}/jsz`).then((answer) => answer.json());
    expect((monitor as { streams: number }).streams).toBe(0);
  });

  it("brings all back that was acknowledged before it began, under the same positions, and the rest with it", async () => {
    const steps = new Set<string>();
    const { signalsEnd, removed } = await goBack(folder, false, (step) => steps.add(step));
    expect(removed).toEqual([]);
    // Whoever runs although nobody should is given no position that others have seen.
    const inOrder = [...steps];
    expect(inOrder[inOrder.indexOf(SIGNALS) + 1]).toBe("positions left out");
    const log = await connectLog({ url: fresh.nats.url, name: "test" });
    const found = await identities(log);
    for (const [sequence, of] of acknowledged) expect(found.get(sequence), String(sequence)).toEqual(of);
    expect(await log.lastSequence(SIGNALS)).toBe(signalsEnd);
    expect(signalsEnd).toBeGreaterThanOrEqual(manifest.signalsEnd + 50);
    expect((await log.get(REGISTRY, 1))?.length).toBeGreaterThan(0);
    expect((await (await records(log, "DEVICE_KEYS")).get({ namespace: "default", id: "1" }))?.record).toBe(
      "sealed",
    );
    expect(await (await records(log, WRONG_CODES)).get({ namespace: "default", id: "1" })).toBeUndefined();
    // A group goes on behind what it was done with.
    expect((await take(log, 1))[0]).toBe((takenBefore.at(-1) ?? 0) + 1);
    // The log is the log: it takes more, after all positions that may have been given away.
    const position = await log.signals.append("default", encoded(pick("station", "after")));
    expect(position).toBe((signalsEnd + 1) * 4096);
    for (const of of (await identities(log, manifest.signalsEnd)).values())
      expect(of.length).toBeLessThanOrEqual(1);
    await log.close();
  });

  it("is put onto servers that hold something only in its place", async () => {
    await makeTables();
    await expect(goBack(folder)).rejects.toThrow(
      /data here already: NATS has .*SIGNALS.*; Postgres has the schemas things/,
    );
    expect(await schemas()).toBe(2);
    const { removed } = await goBack(folder, true);
    expect(removed).toContain(SIGNALS);
    expect(await schemas()).toBe(0);
    const log = await connectLog({ url: fresh.nats.url, name: "test" });
    expect([...(await identities(log)).values()].flat()).not.toContain("after");
    await log.close();
  });

  it("says so when it was broken off", async () => {
    let killed: Promise<void> | undefined;
    const broken = join(dir, "broken");
    const half = backUp({
      ...{ natsUrl: old.nats.url, folder: broken },
      onProgress: () => {
        killed ??= old.nats.kill();
      },
    });
    await expect(half).rejects.toThrow(/not finished|CONNECTION|closed|timeout/i);
    await expect(goBack(broken)).rejects.toThrow("holds no manifest.json");
    await killed;
    await old.nats.start();
  });

  it("holds each shard's stream, and a restore leaves out positions in each", async () => {
    const namespace = idInShard("81bf7042-e20f-4a97-ac44-c15853e3618f", 1);
    const stream = signalsStream(namespace);
    const log = await connectLog({ url: old.nats.url, name: "test", shards: 2 });
    for (let i = 0; i < 5; i++) await log.signals.append(namespace, encoded(pick("station", `second-${i}`)));
    await log.group({ ...SHARED, stream, subject: signalsSubject(namespace), after: 3 });
    const sharded = await backUp({ natsUrl: old.nats.url, folder: join(dir, "sharded") });
    await log.close();
    expect(sharded.manifest).toMatchObject({ version: 2, shardsEnd: { [stream]: 5 } });
    expect(sharded.manifest.signalsEnd).toBeGreaterThan(5);
    const names = sharded.manifest.streams.map(({ config }) => config.name);
    expect(names.indexOf(REGISTRY)).toBeGreaterThan(names.indexOf(stream));
    expect(sharded.manifest.places).toContainEqual(expect.objectContaining({ stream, after: 3 }));
    await goBack(join(dir, "sharded"), true);
    const restored = await connectLog({ url: fresh.nats.url, name: "test", shards: 2 });
    expect(await restored.lastSequence(stream)).toBe(55);
    expect(await restored.signals.append(namespace, encoded(pick("station", "after")))).toBe(56 * 4096);
    expect(await restored.get(stream, 5)).toBeDefined();
    await restored.close();
  });
});
