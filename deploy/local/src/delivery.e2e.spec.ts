import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "@fieldlog/chance";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type Door,
  endpoint,
  mqttSession,
  polling,
  serverSentEvents,
  type WayOut,
  webSocket,
} from "./ways-out.fixture.js";

/** Another seed is another schedule; a failure names the one that it had. */
const SEED = Number(process.env["FAULT_SEED"] ?? 20_261_121);
const PUBLISHERS = 4;
/** Events that must come by every way out between two faults, slowly and then fast. */
const BETWEEN = 20;
/** Milliseconds that a publisher rests between two events; the latter while something starts, which needs the machine. */
const REST_MS = { all: 10, starting: 100 };

let servers: TestServers;
let system: System;
let door: Door;
const ways: WayOut[] = [];

beforeAll(async () => {
  servers = await startServers();
  system = await startSystem({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl("delivery"),
    apart: { "edge-http": 1, "edge-mqtt": 1, "edge-websocket": 1, subscriptions: 1 },
    settings: { FIELDLOG_WEBHOOK_ALLOW: "127.0.0.1" },
  });
  const { url, wsUrl, mqttUrl, adminKey: key } = system;
  door = { url, wsUrl, mqttUrl, key, namespace: "test" };
});
afterAll(async () => {
  await Promise.all(ways.map((way) => way.stop()));
  await system?.stop();
  await servers?.stop();
});

/** A subscription to all that the test publishes; its id. */
async function subscribe(delivery: string | object): Promise<string> {
  const body = JSON.stringify({ filter: { names: ["tick"] }, from: "beginning", delivery });
  const headers = { authorization: `Bearer ${door.key}`, "content-type": "application/json" };
  const url = `${door.url}/v1/namespaces/test/subscriptions`;
  const response = await fetch(url, { method: "POST", headers, body });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** Publishes one event, and again under the same id until that is acknowledged. */
async function publish(p: number, n: number): Promise<void> {
  const body = JSON.stringify({ name: "tick", id: `${p}-${n}`, data: { p, n } });
  const headers = { authorization: `Bearer ${door.key}`, "content-type": "application/json" };
  await until(`event ${p}-${n} is taken`, async () => {
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(`${door.url}/v1/namespaces/test/events`, {
      method: "POST",
      ...{ headers, body, signal },
    });
    if (response.status !== 201) throw new Error(`answered ${response.status}: ${await response.text()}`);
    return true;
  });
}

/** Each publishes one event after the other; `stop` resolves to how many each has. */
function publishers() {
  let running = true;
  let restMs = REST_MS.all;
  const all = Array.from({ length: PUBLISHERS }, async (_, p) => {
    let n = 0;
    for (; running; n++) {
      await publish(p, n);
      await sleep(restMs);
    }
    return n;
  });
  return {
    rest: (ms: number) => {
      restMs = ms;
    },
    stop: () => {
      running = false;
      return Promise.all(all);
    },
  };
}

/** Resolves when every way out has delivered some more. */
async function delivering(why: string): Promise<void> {
  const reached = ways.map(({ heard }) => heard.length + BETWEEN);
  await until(why, () => ways.every(({ heard }, i) => heard.length >= (reached[i] ?? 0)));
}

/** Of one publisher, in the order in which each event came first. */
function firstsOf({ heard }: WayOut, p: number): number[] {
  return [...new Set(heard.flatMap(({ data }) => (data.p === p ? [data.n] : [])))];
}

it(`whatever is killed, each way out has every event, in its publisher's order (seed ${SEED})`, {
  retry: 0,
  timeout: 300_000,
}, async () => {
  const random = seeded(SEED);
  ways.push(serverSentEvents(door), webSocket(door), await mqttSession(door));
  ways.push(serverSentEvents(door, await subscribe("stream")), webSocket(door, await subscribe("stream")));
  ways.push(polling(door, await subscribe("poll")));
  const [hook, lists] = [await endpoint(), await endpoint()];
  await subscribe({ webhook: { url: hook.url } });
  await subscribe({ webhook: { url: lists.url, batch: 10 } });
  ways.push(hook, lists);
  const publishing = publishers();
  const victims = [...Object.entries(system.processes), ["nats", servers.nats] as const];
  const schedule = victims.map((victim) => ({ victim, order: random() })).sort((a, b) => a.order - b.order);
  for (const { victim } of schedule) {
    const [name, part] = victim;
    await delivering(`every way out delivers before ${name} is killed`);
    publishing.rest(REST_MS.all);
    await delivering(`${name} is killed in the middle of that`);
    await part.kill();
    publishing.rest(REST_MS.starting);
    await sleep(random() * 500);
    await part.start();
  }
  const counts = await publishing.stop();
  for (const way of ways) {
    await until(`all has come by ${way.name}`, () =>
      counts.every((count, p) => firstsOf(way, p).length >= count),
    );
    for (const [p, count] of counts.entries()) {
      expect(firstsOf(way, p), `${way.name}, publisher ${p}`).toEqual(
        Array.from({ length: count }, (_, n) => n),
      );
    }
    // What comes twice is one and the same event; where the client says where it is, nothing comes twice.
    expect(way.heard.every(({ id, data }) => id === `${data.p}-${data.n}`)).toBe(true);
    const positions = way.heard.map(({ position }) => position);
    if (way.exact) expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
  }
});
