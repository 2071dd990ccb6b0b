import type { ServerResponse } from "node:http";
import { create } from "@bufbuild/protobuf";
import { registry, signals } from "@fieldlog/contracts";
import { connectLog, type EventLog, LogUnavailable } from "@fieldlog/event-log";
import { CursorRecords, EventFeeds } from "@fieldlog/fan-out";
import { createMetrics } from "@fieldlog/runtime";
import { encoded, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { WebhookSubscription } from "../service/webhook-subscriptions.js";
import { Addresses } from "./addresses.js";
import { Endpoint } from "./endpoint.fixture.js";
import { Poster } from "./post.js";
import { Replicas } from "./replicas.js";
import { Webhooks, type WebhooksParts } from "./webhooks.js";

const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
const NEWER = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;
const TIMEOUT_MS = 1_500;
let servers: TestServers;
let log: EventLog;
let endpoint: Endpoint;
let namespace = "";
let namespaces = 0;
let replicas = 0;
let running: Replica[];
let subscriptions: InMemory;

/** The webhooks that there are, as the service would tell them. */
class InMemory {
  readonly all = new Map<string, WebhookSubscription>();
  readonly disabled: { id: string; reason: string }[] = [];
  /** Raised instead of disabling. */
  failure: Error | undefined;
  secretsOf: readonly string[] = [SECRET];
  /** Ids of those that nobody answers for. */
  readonly ended = new Set<string>();
  private readonly listeners: ((ns: string, id: string, now: WebhookSubscription | undefined) => void)[] = [];

  list() {
    return [...this.all.values()];
  }

  get(_: string, id: string) {
    return this.all.get(id);
  }

  secrets() {
    return this.secretsOf;
  }

  onChange(listener: (typeof this.listeners)[number]) {
    this.listeners.push(listener);
  }

  whyEnded({ id }: WebhookSubscription) {
    return this.ended.has(id) ? "its API key was revoked" : undefined;
  }

  async disable(_: string, id: string, reason: string) {
    if (this.failure) throw this.failure;
    this.disabled.push({ id, reason });
    this.change(id, { disabled: reason });
  }

  change(id: string, webhook: Partial<WebhookSubscription> | undefined) {
    if (webhook === undefined) this.all.delete(id);
    else {
      const filters = [create(registry.EventFilterSchema, { names: ["tick"] })];
      const before = this.all.get(id);
      this.all.set(id, {
        ...{ namespace, id, url: endpoint.url, batch: 0, after: 0, sequence: 1, disabled: undefined },
        ...{ granted: { by: "key:k", sequence: 1 }, filters, ...before, ...webhook },
      });
    }
    for (const tell of this.listeners) tell(namespace, id, this.all.get(id));
  }
}

interface Replica {
  webhooks: Webhooks;
  records: CursorRecords;
  stop(): Promise<void>;
}

async function start(allowed = "127.0.0.1", parts: Partial<WebhooksParts> = {}): Promise<Replica> {
  const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const feeds = new EventFeeds({ log, logger });
  const records = await CursorRecords.open(log.connection, 1);
  const webhooks: Webhooks = new Webhooks({
    ...{ log, feeds, records, subscriptions, logger, registry: createMetrics() },
    replicas: new Replicas(log.connection, `test-${++replicas}`),
    nameOf: async (id) => id,
    poster: new Poster({ addresses: new Addresses(allowed), timeoutMs: TIMEOUT_MS }),
    schedule: (failures, now) => (failures < 4 ? now + 100 * failures : undefined),
    ...parts,
  });
  webhooks.start();
  const stop = async () => {
    await webhooks.stop();
    await records.close();
    await feeds.stop();
  };
  const replica = { webhooks, records, stop };
  running.push(replica);
  return replica;
}

function publish(n: number, name = "tick") {
  const event = { name, data: Buffer.from(JSON.stringify({ n })) };
  const signal = create(signals.SignalSchema, {
    ...{ device: "d1", identity: `e${n}`, receivedAt: BigInt(Date.now()), occurredAt: BigInt(Date.now()) },
    body: { case: "event", value: event },
  });
  return log.signals.append(namespace, encoded(signal));
}
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
const recordOf = (id: string) => running[0]?.records.get(namespace, id);

beforeAll(async () => {
  servers = await startServers({ syncAlways: false });
  log = await connectLog({ url: servers.nats.url, name: "test" });
});
afterAll(async () => {
  await log?.close();
  await servers?.stop();
});
beforeEach(async () => {
  namespace = `n${++namespaces}`;
  running = [];
  subscriptions = new InMemory();
  endpoint = await Endpoint.start(SECRET);
});
afterEach(async () => {
  await Promise.all(running.map((replica) => replica.stop()));
  await endpoint.stop();
});

describe("a webhook", () => {
  it("gets each event, signed, in the log's order, and goes on where it was after a restart", async () => {
    const first = await start();
    subscriptions.change("s", {});
    for (const n of upTo(20)) await publish(n, n % 2 === 0 ? "tick" : "other");
    await until("all are taken", () => endpoint.taken.length === 10);
    expect(endpoint.numbers).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(endpoint.taken[0]).toMatchObject({ contentType: "application/cloudevents+json", ids: ["e0"] });
    expect(new Set(endpoint.taken.map(({ id }) => id)).size).toBe(10);
    await first.stop();
    await publish(20);
    await start();
    await until("the rest is taken", () => endpoint.taken.length === 11);
    expect(endpoint.numbers.at(-1)).toBe(20);
  });

  it("gets lists where it wants several at once", async () => {
    await Promise.all(upTo(250).map((n) => publish(n)));
    await start();
    subscriptions.change("s", { batch: 100 });
    await until("all are taken", () => endpoint.numbers.length === 250);
    expect(endpoint.numbers).toEqual(upTo(250));
    expect(endpoint.taken.length).toBeLessThan(20);
    expect(endpoint.taken[0]?.contentType).toBe("application/cloudevents-batch+json");
    expect(Math.max(...endpoint.taken.map(({ numbers }) => numbers.length))).toBeLessThanOrEqual(100);
  });

  it("is signed by the newer secret, too, while they are rotated", async () => {
    await start();
    subscriptions.secretsOf = [NEWER, SECRET];
    subscriptions.change("s", {});
    await publish(0);
    await until("it is taken", () => endpoint.taken.length === 1);
    endpoint.secret = NEWER;
    await publish(1);
    await until("it is taken", () => endpoint.taken.length === 2);
  });

  it("is delivered to by one replica, and by another once that has stopped", async () => {
    const one = await start();
    const other = await start();
    subscriptions.change("s", {});
    await Promise.all(upTo(50).map((n) => publish(n)));
    await until("all are taken", () => endpoint.numbers.length >= 50);
    expect(endpoint.numbers).toEqual(upTo(50));
    expect([one.webhooks.size, other.webhooks.size].toSorted()).toEqual([0, 1]);
    const [active] = running.toSorted((a, b) => b.webhooks.size - a.webhooks.size);
    await active?.stop();
    await publish(50);
    await until("the other one goes on", () => endpoint.numbers.length === 51);
    expect(endpoint.numbers).toEqual(upTo(51));
  });

  it("is delivered to though nobody heard that its record was taken", async () => {
    const records = await CursorRecords.open(log.connection, 1);
    let silent = true;
    const acquireFree: typeof records.acquireFree = async (...options) => {
      const held = await records.acquireFree(...options);
      if (!silent) return held;
      silent = false;
      throw new LogUnavailable("no answer came");
    };
    await start("127.0.0.1", { records: { acquireFree } });
    subscriptions.change("s", {});
    await publish(0);
    await until("it is taken", () => endpoint.taken.length === 1);
    expect(silent).toBe(false);
    await records.close();
  });

  it("comes once and in order while another replica comes and takes its share", async () => {
    const one = await start();
    const ids = upTo(8).map((n) => `s${n}`);
    for (const id of ids) subscriptions.change(id, {});
    let other: Replica | undefined;
    for (const n of upTo(40)) {
      if (n === 20) other = await start();
      await publish(n);
    }
    await until(
      "they share them",
      () => one.webhooks.size < 8 && one.webhooks.size + (other?.webhooks.size ?? 0) === 8,
    );
    await publish(40);
    await until("all are taken", () => endpoint.numbers.length >= 8 * 41);
    expect(endpoint.numbers.toSorted((a, b) => a - b)).toEqual(upTo(41).flatMap((n) => ids.map(() => n)));
  });

  it("hinders no other one, however slow it is", async () => {
    const slow = await Endpoint.start(SECRET);
    slow.answer = () => undefined;
    await start();
    subscriptions.change("slow", { url: slow.url });
    subscriptions.change("quick", {});
    for (const n of upTo(30)) await publish(n);
    await until("the quick one has all", () => endpoint.numbers.length === 30);
    expect(slow.taken.length).toBeLessThanOrEqual(5);
    await slow.stop();
  });
});

describe("an endpoint that does not take an event gets it again, in order, with the same id", () => {
  it.each([
    ["answers 500", (response: ServerResponse) => void response.writeHead(500).end()],
    ["does not answer", () => undefined],
    ["hangs up", (response: ServerResponse) => void response.destroy()],
    [
      "redirects",
      (response: ServerResponse) => void response.writeHead(302, { location: endpoint.url }).end(),
    ],
  ])("when it %s", async (_, refuse) => {
    let refusals = 0;
    endpoint.answer = (response, { numbers }) => {
      if (numbers[0] === 1 && refusals++ < 2) refuse(response);
      else response.writeHead(200).end("x".repeat(100_000));
    };
    await start();
    subscriptions.change("s", {});
    for (const n of upTo(4)) await publish(n);
    await until("all are taken", () => endpoint.numbers.at(-1) === 3);
    expect(endpoint.numbers).toEqual([0, 1, 1, 1, 2, 3]);
    expect(new Set(endpoint.taken.slice(1, 4).map(({ id }) => id)).size).toBe(1);
    await until("it is noted", async () => {
      const record = await recordOf("s");
      return record?.delivered === 4 && record.failures === 0;
    });
  });

  it("with what it answered in the record meanwhile", async () => {
    endpoint.answer = (response) => void response.writeHead(503).end();
    await start();
    subscriptions.change("s", {});
    await publish(0);
    const record = await until("it is noted", async () => {
      const found = await recordOf("s");
      return found !== undefined && found.failures > 0 ? found : undefined;
    });
    expect(record).toMatchObject({ lastError: "answered 503", position: 0 });
    expect(record.nextAttemptAt).toBeGreaterThan(0);
  });
});

describe("a webhook is disabled", () => {
  it("when its endpoint answers 410, and goes on from there when it is enabled", async () => {
    endpoint.answer = (response) => void response.writeHead(410).end();
    await start();
    subscriptions.change("s", {});
    await publish(0);
    await until("it is disabled", () => subscriptions.disabled.length === 1);
    expect(subscriptions.disabled[0]?.reason).toContain("410");
    await publish(1);
    endpoint.answer = undefined;
    await until("nobody holds it", async () => (await recordOf("s"))?.connected === false);
    expect(endpoint.numbers).toEqual([0]);
    subscriptions.change("s", { disabled: undefined });
    await until("it has all", () => endpoint.numbers.length === 3);
    expect(endpoint.numbers).toEqual([0, 0, 1]);
  });

  it("once its API key is good no more, is sent nothing from then on, and goes on where it was", async () => {
    await start();
    await start();
    subscriptions.change("s", {});
    await publish(0);
    await until("it is taken", () => endpoint.taken.length === 1);
    subscriptions.ended.add("s");
    await publish(1);
    await until("it is disabled", () => subscriptions.disabled.length === 1);
    expect(subscriptions.disabled).toEqual([{ id: "s", reason: "its API key was revoked" }]);
    await until("nobody holds it", async () => (await recordOf("s"))?.connected === false);
    expect(endpoint.numbers).toEqual([0]);
    subscriptions.ended.delete("s");
    subscriptions.change("s", { disabled: undefined });
    await until("it has the rest", () => endpoint.numbers.length === 2);
  });

  it("as soon as that can be decided, and is sent nothing until then", async () => {
    endpoint.answer = (response) => void response.writeHead(410).end();
    await start();
    subscriptions.failure = new Error("the log is away");
    subscriptions.change("s", {});
    for (const n of upTo(3)) await publish(n);
    await until("it was asked", () => endpoint.taken.length === 1);
    subscriptions.failure = undefined;
    await until("it is disabled", () => subscriptions.disabled.length === 1);
    expect(endpoint.numbers).toEqual([0]);
  });

  it("when all attempts have failed, and gets all of them anew when it is enabled", async () => {
    endpoint.answer = (response) => void response.writeHead(500).end();
    await start();
    subscriptions.change("s", {});
    await publish(0);
    await until("it is disabled", () => subscriptions.disabled.length === 1);
    expect(endpoint.numbers).toEqual([0, 0, 0, 0]);
    expect(subscriptions.disabled[0]?.reason).toBe("4 attempts failed, the last one: answered 500");
    await until("nobody holds it", async () => (await recordOf("s"))?.connected === false);
    subscriptions.change("s", { disabled: undefined });
    await until("it is disabled again", () => subscriptions.disabled.length === 2);
    expect(endpoint.numbers).toHaveLength(8);
  });
});

describe("an address that is not allowed is not reached", () => {
  it.each([
    ["as it stands", () => endpoint.url],
    ["by a name that leads there", () => endpoint.url.replace("127.0.0.1", "localhost")],
    ["in another notation", () => endpoint.url.replace("127.0.0.1", "0x7f.1")],
    ["as IPv6", () => endpoint.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")],
  ])("%s", async (_, url) => {
    await start("");
    subscriptions.change("s", { url: url() });
    await publish(0);
    const record = await until("it is noted", async () => {
      const found = await recordOf("s");
      return found !== undefined && found.failures > 0 ? found : undefined;
    });
    expect(record.lastError).toMatch(/not an address that webhooks may reach/);
    expect(endpoint.taken).toEqual([]);
  });
});
