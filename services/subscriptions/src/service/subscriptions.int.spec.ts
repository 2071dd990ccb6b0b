import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { Aggregates } from "@fieldlog/aggregates";
import { INSTALLATION, limits, REGISTRY, registry, registryOfNamespace } from "@fieldlog/contracts";
import { InvalidField, type RegistryEvent } from "@fieldlog/decider";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { CursorRecords } from "@fieldlog/fan-out";
import { SealingKey, SealingKeys } from "@fieldlog/sealing";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NoWebhook, TooManySubscriptions, UnknownSubscription } from "../decisions/refusals.js";
import type { NewSubscription } from "../decisions/subscription.js";
import { Resealing } from "./resealing.js";
import { Secrets } from "./secrets.js";
import { Subscriptions } from "./subscriptions.js";
import { SubscriptionTable } from "./table.js";
import { WebhookSubscriptions } from "./webhook-subscriptions.js";

let servers: TestServers;
let log: EventLog;
let records: CursorRecords;
let replicas: Replica[];
let namespace = "";
let namespaces = 0;
const [key, nextKey] = [new SealingKey(randomBytes(32)), new SealingKey(randomBytes(32))] as const;
const secrets = new Secrets(key);
const logger = { warn: () => undefined, error: () => undefined };
const clock = { now: 1_000_000 };

interface Replica {
  readonly table: SubscriptionTable;
  readonly own: Subscriptions;
  readonly webhooks: WebhookSubscriptions;
}

function start(): Replica {
  const table = new SubscriptionTable({ log, logger });
  const aggregates = new Aggregates({ log, snapshots: table });
  const own = new Subscriptions({ aggregates, table, records, secrets, now: () => clock.now });
  table.start();
  const replica = { table, own, webhooks: new WebhookSubscriptions(table, secrets, aggregates) };
  replicas.push(replica);
  return replica;
}

const wanted = (more: Partial<NewSubscription> = {}): NewSubscription => ({
  filters: [create(registry.EventFilterSchema, { names: ["Light*"] })],
  ...{ name: "lights", owner: "key:k1", delivery: "poll" },
  ...more,
});
const hook = (more: Partial<NewSubscription> = {}) =>
  wanted({ delivery: "webhook", webhook: { url: "https://hooks.example/x", batch: 10 }, ...more });
const created = (value: object) => ({ event: { case: "apiKeyCreated", value } }) as const;
const revoked = { event: { case: "apiKeyRevoked", value: {} } } as const;
const page = { owner: "", after: "", limit: 100 };

async function decide(of: string, id: string, events: RegistryEvent[]): Promise<void> {
  await log.registry.append(
    { namespace: of, kind: "api-key", id },
    create(registry.DecisionSchema, { events }),
    0,
  );
}

beforeAll(async () => {
  servers = await startServers({ syncAlways: false });
  log = await connectLog({ url: servers.nats.url, name: "test" });
  records = await CursorRecords.open(log.connection, 1);
});
afterAll(async () => {
  await records?.close();
  await log?.close();
  await servers?.stop();
});
beforeEach(() => {
  namespace = `n${++namespaces}`;
  replicas = [];
});
afterEach(async () => {
  await Promise.all(replicas.map(({ table }) => table.stop()));
});

describe("a subscription", () => {
  it("is there for every replica at once, and for one that starts later", async () => {
    const [one, other] = [start(), start()];
    const { created, secret } = await one.own.create(namespace, wanted({ after: 4096 }), "key:k1");
    expect(secret).toBeUndefined();
    expect(created.state).toMatchObject({ name: "lights", owner: "key:k1", delivery: "poll", after: 4096 });
    const later = start();
    for (const { own } of [one, other, later]) {
      expect((await own.get(namespace, created.id)).state.filters[0]?.names).toEqual(["Light*"]);
      expect((await own.list(namespace, page)).rows.map(({ id }) => id)).toEqual([created.id]);
    }
    expect((await later.own.list("elsewhere", page)).rows).toEqual([]);
  });

  it("is gone everywhere once it is removed, with its record, and twice is as good as once", async () => {
    const [one, other] = [start(), start()];
    const { created } = await one.own.create(namespace, wanted(), "key:k1");
    await records.acquire(namespace, created.id, { holder: "x", via: "poll", startAfter: 0 });
    const sequence = await other.own.remove(namespace, created.id, "key:k1");
    expect(await one.own.remove(namespace, created.id, "key:k1")).toBe(sequence);
    await expect(one.own.get(namespace, created.id)).rejects.toThrow(UnknownSubscription);
    expect((await one.own.list(namespace, page)).rows).toEqual([]);
    expect(await records.get(namespace, created.id)).toBeUndefined();
    await expect(one.own.remove(namespace, "0123456789abcdef", "x")).rejects.toThrow(UnknownSubscription);
  });

  it("is gone with its record when its namespace is cleared, also if that was broken off before the purge", async () => {
    const one = start();
    const { created } = await one.own.create(namespace, wanted(), "key:k1");
    const kept = await one.own.create(`${namespace}-kept`, wanted(), "key:k1");
    await records.acquire(namespace, created.id, { holder: "x", via: "poll", startAfter: 0 });
    const told = await log.clearings.record({ namespace }, "key:k1");
    const empty = async ({ own }: Replica) => expect((await own.list(namespace, page)).rows).toEqual([]);
    await empty(one);
    await empty(start());
    await log.clearings.purge(REGISTRY, registryOfNamespace(namespace, "subscription"), told);
    const later = start();
    await empty(later);
    const again = await later.own.create(namespace, wanted(), "key:k1");
    for (const { own } of [one, later]) {
      expect((await own.list(namespace, page)).rows.map(({ id }) => id)).toEqual([again.created.id]);
      expect((await own.list(`${namespace}-kept`, page)).rows.map(({ id }) => id)).toEqual([kept.created.id]);
    }
    await until("its record is gone", async () => (await records.get(namespace, created.id)) === undefined);
  });

  it("is listed by id, page by page, and by owner", async () => {
    const { own } = start();
    const made = await Promise.all(
      Array.from({ length: 9 }, (_, i) => own.create(namespace, wanted({ owner: `key:k${i % 3}` }), "x")),
    );
    const ids = made.map(({ created }) => created.id).sort();
    const listed: string[] = [];
    for (let after = ""; ; ) {
      const { rows, next } = await own.list(namespace, { owner: "", after, limit: 4 });
      listed.push(...rows.map(({ id }) => id));
      if (next === "") break;
      after = next;
    }
    expect(listed).toEqual(ids);
    expect((await own.list(namespace, { ...page, owner: "key:k1" })).rows).toHaveLength(3);
  });

  it.each([
    ["no filter", { filters: [] }, "filters"],
    ["an unknown way", { delivery: "pigeon" }, "delivery"],
    ["an owner of no kind", { owner: "ash" }, "owner"],
    ["no URL", { delivery: "webhook" }, "webhook"],
    [
      "a URL of no web",
      { delivery: "webhook", webhook: { url: "file:///etc/passwd", batch: 1 } },
      "webhook.url",
    ],
    [
      "a URL with a password",
      { delivery: "webhook", webhook: { url: "https://a:b@c", batch: 1 } },
      "webhook.url",
    ],
    ["too many at once", { delivery: "webhook", webhook: { url: "https://c", batch: 101 } }, "webhook.batch"],
  ])("is refused with %s", async (_, more, field) => {
    const refused = await start()
      .own.create(namespace, wanted(more), "x")
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InvalidField);
    expect(refused).toMatchObject({ field });
  });

  it("is refused once its owner has as many as it may, also when all are asked for at once", async () => {
    const { own } = start();
    const asked = Array.from({ length: limits.subscriptionsPerOwner + 5 }, () =>
      own.create(namespace, wanted(), "x").catch((error: unknown) => error),
    );
    const refused = (await Promise.all(asked)).filter((made) => made instanceof TooManySubscriptions);
    expect(refused).toHaveLength(5);
    await own.create(namespace, wanted({ owner: "key:other" }), "x");
  });
});

describe("a webhook", () => {
  it("has a secret that is told once, and another one after it is rotated, the former for a while", async () => {
    const { own, webhooks } = start();
    const { created, secret } = await own.create(namespace, hook(), "x");
    expect(secret).toMatch(/^whsec_/);
    const stored = { namespace, id: created.id };
    expect(webhooks.secrets(stored, clock.now)).toEqual([secret]);
    const rotated = await own.rotateSecret(namespace, created.id, 60_000, "x");
    expect(webhooks.secrets(stored, clock.now)).toEqual([rotated.secret, secret]);
    expect(webhooks.secrets(stored, clock.now + 60_000)).toEqual([rotated.secret]);
    const polled = await own.create(namespace, wanted(), "x");
    await expect(own.rotateSecret(namespace, polled.created.id, 0, "x")).rejects.toThrow(NoWebhook);
    await expect(own.rotateSecret(namespace, created.id, -1, "x")).rejects.toThrow(InvalidField);
  });

  it("keeps its secrets when they are sealed anew, some webhooks at a time", async () => {
    const { own, table, webhooks } = start();
    const made: string[] = [];
    for (let n = 0; n < 3; n++) made.push((await own.create(namespace, hook(), "x")).created.id);
    const [rotated = "", ...others] = made;
    await own.rotateSecret(namespace, rotated, 60_000, "x");
    const secretsOf = (webhook: WebhookSubscriptions) =>
      made.map((id) => webhook.secrets({ namespace, id }, clock.now));
    const before = secretsOf(webhooks);
    expect(before.map(({ length }) => length)).toEqual([2, 1, 1]);

    const aggregates = new Aggregates({ log, snapshots: table });
    const both = new Secrets(new SealingKeys(nextKey, key));
    const resealing = new Resealing({ aggregates, table, secrets: both });
    const mine = { after: `${namespace}/`, decidedBy: "x" };
    const counted = await resealing.page({ ...mine, limit: 100, check: true });
    expect(counted).toEqual({ found: { [key.id]: 4 }, resealed: 0, next: "" });
    const first = await resealing.page({ ...mine, limit: 2, check: false });
    expect(first.resealed).toBe(2);
    const second = await resealing.page({ ...mine, limit: 2, check: false, after: first.next });
    expect(second).toMatchObject({ resealed: 1, next: "" });
    await table.upToDate();
    expect((await resealing.page({ ...mine, limit: 100, check: false })).resealed).toBe(0);

    // The key of before opens none of them any more.
    const alone = new WebhookSubscriptions(table, new Secrets(nextKey), aggregates);
    expect(secretsOf(alone)).toEqual(before);
    for (const id of [rotated, ...others]) {
      expect(() => webhooks.secrets({ namespace, id }, clock.now)).toThrow("sealed by the key");
    }
    const { secret } = await own.rotateSecret(namespace, rotated, 60_000, "x");
    const mixed = new WebhookSubscriptions(table, both, aggregates);
    expect(mixed.secrets({ namespace, id: rotated }, clock.now)).toEqual([secret, before[0]?.[0]]);
  });

  it("is disabled with a reason and enabled again, and every replica hears of it", async () => {
    const [one, other] = [start(), start()];
    const heard: (string | undefined)[] = [];
    other.webhooks.onChange((of, _, now) => {
      if (of === namespace) heard.push(now?.disabled);
    });
    const { created } = await one.own.create(namespace, hook(), "x");
    await one.webhooks.disable(namespace, created.id, "answered 410");
    await other.webhooks.disable(namespace, created.id, "again");
    await until("it is heard", () => heard.includes("answered 410"));
    expect((await other.own.get(namespace, created.id)).state.disabled).toBe("answered 410");
    await other.own.enable(namespace, created.id, "x");
    await until("it is heard", () => heard.at(-1) === undefined);
    expect(heard).not.toContain("again");
    await one.webhooks.disable(namespace, "0123456789abcdef", "never was");
  });

  it("that is its API key's to answer for is known to be nobody's, by every replica, until another key enables it", async () => {
    const [one, other] = [start(), start()];
    const made = async (owner: string) =>
      (await one.own.create(namespace, hook({ owner }), owner)).created.id;
    const ids = [
      await made("key:gone"),
      await made("key:short"),
      await made("key:admin"),
      await made("key:good"),
    ];
    await decide(namespace, "short", [created({ expiresAt: 2_000_000n })]);
    await decide(namespace, "gone", [created({}), revoked]);
    await decide(INSTALLATION, "admin", [revoked, created({})]);
    const told = ({ webhooks }: Replica, now = 2_000_000) =>
      ids.map((id) => {
        const webhook = webhooks.get(namespace, id);
        return webhook && webhooks.whyEnded(webhook, now);
      });
    const was = "its API key was revoked";
    const later = start();
    for (const replica of [one, other, later]) {
      await replica.table.upToDate();
      expect(told(replica)).toEqual([was, "its API key has expired", was, undefined]);
      expect(told(replica, 1_999_999)[1]).toBeUndefined();
    }
    const [gone = "", , admin = ""] = ids;
    const stale = other.webhooks.get(namespace, gone)?.granted;
    for (const id of [gone, admin]) await one.webhooks.disable(namespace, id, was);
    await one.own.enable(namespace, gone, "key:good");
    await one.own.enable(namespace, admin, "key:admin");
    await other.webhooks.disable(namespace, gone, was, stale);
    for (const replica of [one, other, start()]) {
      await replica.table.upToDate();
      expect(told(replica)).toEqual([undefined, "its API key has expired", undefined, undefined]);
      expect(replica.webhooks.get(namespace, gone)?.disabled).toBeUndefined();
    }
  });
});
