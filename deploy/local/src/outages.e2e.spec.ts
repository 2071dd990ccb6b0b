import { seeded } from "@fieldlog/chance";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet, nameOf, type Sent } from "./fleet.fixture.js";
import { getEvents, listed, logged } from "./truth.fixture.js";

let servers: TestServers & { postgres: NonNullable<TestServers["postgres"]> };
let system: System;
let fleet: Fleet;
let edges: [string, string];

beforeAll(async () => {
  servers = await startServers({ ownPostgres: true });
  system = await startSystem({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl("outages"),
    apart: { "edge-http": 2, projections: 2 },
  });
  edges = [system.processes["edge-http"]?.url ?? "", system.processes["edge-http-2"]?.url ?? ""];
  fleet = new Fleet([system.url], seeded(1));
  await fleet.register(4);
});

afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

const countsOf = async (message: Sent) => {
  const name = nameOf(message);
  return [(await logged(servers.nats)).get(name) ?? 0, (await listed(system)).get(name) ?? 0];
};

describe("two edges and two projections", () => {
  it("keep a message that both were sent at the same moment once in the table", async () => {
    const pick = fleet.pick(0);
    expect(await Promise.all(edges.map((edge) => fleet.attempt(pick, edge)))).toEqual([200, 200]);
    await until("it is listed", async () => (await listed(system)).has(nameOf(pick)));
    expect((await countsOf(pick))[1]).toBe(1);
  });

  it("answer a resend at the other edge as success, without a second event in the log", async () => {
    const pick = fleet.pick(0);
    expect(await fleet.attempt(pick, edges[0])).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await fleet.attempt(pick, edges[1])).toBe(200);
    await until("it is listed", async () => (await listed(system)).has(nameOf(pick)));
    expect(await countsOf(pick)).toEqual([1, 1]);
  });

  it("refuse another message under a used id at the other edge", async () => {
    const pick = fleet.pick(0);
    expect(await fleet.attempt(pick, edges[0])).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // The signature does not cover the body: field 6 (other_readings), empty, makes it another message.
    const forged = { ...pick, body: Buffer.concat([pick.body, Buffer.from([0x32, 0x00])]) };
    expect(await fleet.attempt(forged, edges[1])).toBe(400);
    expect((await countsOf(pick))[0]).toBe(1);
  });

  it("refuse a replay after a restart of the edge, too", async () => {
    const pick = fleet.pick(0);
    expect(await fleet.attempt(pick, edges[0])).toBe(200);
    await system.processes["edge-http"]?.kill();
    await system.processes["edge-http"]?.start();
    expect(await fleet.attempt(pick, edges[0])).toBe(200);
    expect((await logged(servers.nats)).get(nameOf(pick))).toBe(1);
  });

  it("show a message to the next read, at the edge that took it", async () => {
    const pick = fleet.pick(1);
    const { events: before } = await getEvents(system, `device=${pick.device}`);
    expect(await fleet.attempt(pick, edges[0])).toBe(200);
    const { events: after } = await getEvents(system, `device=${pick.device}`);
    expect(after.length - before.length).toBe(1);
  });
});

describe("with NATS away", () => {
  it("an edge answers 503 with Retry-After, and takes messages again without a restart", async () => {
    const pick = fleet.pick(2);
    await servers.nats.kill();
    const answer = await fetch(`${edges[0]}/api/v1/test/event/${pick.device}`, {
      method: "POST",
      body: pick.body as Uint8Array<ArrayBuffer>,
    });
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await fetch(`${edges[0]}/healthz`)).status).toBe(200);
    expect((await fetch(`${edges[0]}/readyz`)).status).toBe(503);
    await servers.nats.start();
    await until("it is taken", async () => (await fleet.attempt(pick, edges[0])) === 200);
    await until("it is listed", async () => (await listed(system)).has(nameOf(pick)));
    expect(await countsOf(pick)).toEqual([1, 1]);
  });
});

describe("with Postgres away", () => {
  it("ingest goes on, and the read model catches up", async () => {
    await fleet.deliver(fleet.pick(3));
    await servers.postgres.kill();
    const picks = Array.from({ length: 50 }, () => fleet.pick(3));
    for (const pick of picks) expect(await fleet.attempt(pick, edges[0])).toBe(200);
    await servers.postgres.start();
    const names = picks.map(nameOf);
    await until("all are listed", async () => {
      const found = await listed(system);
      return names.every((name) => found.get(name) === 1);
    });
  });
});

describe("a rebuild", () => {
  it("of the events, while they are read, gives identical rows", async () => {
    const all = async () => (await getEvents(system, "limit=1000")).events;
    const before = await all();
    expect(before.length).toBeGreaterThan(50);
    const headers = { authorization: `Bearer ${system.adminKey}` };
    const asked = await fetch(`${system.url}/v1/read-models/events/rebuild`, { method: "POST", headers });
    expect(asked.status).toBe(202);
    const states: string[] = [];
    await until("it is live again", async () => {
      expect(await all()).toEqual(before);
      const answer = await fetch(`${system.url}/v1/read-models`, { headers });
      const { readModels } = (await answer.json()) as { readModels: { name: string; state: string }[] };
      states.push(readModels.find(({ name }) => name === "events")?.state ?? "missing");
      return states.at(-1) === "live";
    });
    expect(await all()).toEqual(before);
  });
});
