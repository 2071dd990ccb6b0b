import { connectLog, type EventLog } from "@fieldlog/event-log";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Listener, report, upTo } from "./streams.fixture.js";

let servers: TestServers;
let system: System;
let log: EventLog;

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("streams");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, apart: { "edge-http": 1 } });
  log = await connectLog({ url: servers.nats.url, name: "streams test" });
});
afterAll(async () => {
  await log?.close();
  await system?.stop();
  await servers?.stop();
});

/** Reports `count` events, at most once each, whatever is away meanwhile. */
async function reportThrough(count: number, name: string): Promise<void> {
  for (const n of upTo(count)) {
    await until(`event ${n} is in the log`, () => report(log, n, { name }));
  }
}

async function listen(name: string): Promise<Listener> {
  const url = `${system.url}/v1/namespaces/test/events/stream?names=${name}&from=beginning`;
  const listener = new Listener(url, system.adminKey);
  await until("the stream is open", () => listener.isOpen);
  return listener;
}

describe("a client of a stream hears everything, once, in the log's order", () => {
  it("when the edge is killed, again and again", async () => {
    const edge = system.processes["edge-http"];
    if (edge === undefined) throw new Error("there is no edge");
    const listeners = [await listen("killed"), await listen("killed"), await listen("k*")];
    const reporting = reportThrough(600, "killed");
    for (let kills = 1; kills <= 3; kills++) {
      await until("some more are heard", () => (listeners[0]?.heard.length ?? 0) >= kills * 100);
      await edge.kill();
      await edge.start();
    }
    await reporting;
    for (const listener of listeners) {
      await until("all are heard", () => listener.heard.length >= 600);
      expect(listener.numbers).toEqual(upTo(600));
      expect(listener.sentIds.filter((id) => id !== null).length).toBeGreaterThanOrEqual(3);
      listener.close();
    }
  });

  it("when NATS is killed", async () => {
    const listener = await listen("outage");
    const reporting = reportThrough(300, "outage");
    await until("some are heard", () => listener.heard.length >= 100);
    await servers.nats.kill();
    await servers.nats.start();
    await reporting;
    const inLog = new Set<number>();
    await until("the last one is heard", () => listener.numbers.at(-1) === 299);
    for (const n of listener.numbers) inLog.add(n);
    expect([...inLog]).toEqual(upTo(300));
    const ids = listener.heard.map(({ id }) => Number(id));
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    expect(listener.answers).toEqual([200]);
    listener.close();
  });
});
