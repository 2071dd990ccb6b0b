import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "@fieldlog/chance";
import { limits } from "@fieldlog/contracts";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fieldlog, startFieldlog } from "../fieldlog.fixture.js";
import type { Version } from "../wire/packets.js";
import { property } from "../wire/properties.js";
import { RawClient } from "../wire/raw-client.js";
import { doubled, missing, onceEach, unmarked } from "./ledger.js";
import { Publisher } from "./publishers.js";
import { listed, logged } from "./truth.js";
import { Watcher } from "./watcher.js";

/** Another seed is another schedule; a failure names the one that it had. */
const SEED = Number(process.env["FAULT_SEED"] ?? 20_261_121);
const EACH_QOS = 8;
const OFFLINE = 20_000;
/** Milliseconds that a publisher rests between two messages while something starts, which needs the machine. */
const REST_MS = 200;

describe("edge-mqtt when processes die, with two replicas", { retry: 0 }, () => {
  let fieldlog: Fieldlog;
  beforeAll(async () => {
    fieldlog = await startFieldlog("mqtt-faults", {
      ...{ ownPostgres: true, apart: { "edge-mqtt": 2, auth: 1, projections: 1 } },
    });
  });
  afterAll(() => fieldlog?.stop());

  const edge = (n: 1 | 2) => {
    const process = fieldlog.system.processes[n === 1 ? "edge-mqtt" : "edge-mqtt-2"];
    if (!process) throw new Error(`no edge-mqtt ${n}`);
    return process;
  };
  const doorOf = (n: 1 | 2) => {
    const { hostname: host, port } = new URL(edge(n).mqttUrl ?? "");
    return { host, port: Number(port) };
  };
  /** Connected to the nth replica, as soon as it accepts. */
  async function connected(n: 1 | 2, clientId: string, o: Connecting = {}): Promise<RawClient> {
    return until(`${clientId} is accepted`, async () => {
      const client = await RawClient.dial(doorOf(n), o.version ?? 5);
      const properties = [property("sessionExpiry", o.expiryS ?? 3_600)];
      const { will } = o;
      client.send(
        client.p.connect({ ...fieldlog.writer, clientId, clean: false, properties, ...(will && { will }) }),
      );
      client.connack = await client.expect("connack", 10_000);
      if (client.connack.code === 0) return client;
      client.drop();
      return false;
    });
  }

  it(`keeps every acknowledged message when whatever there is is killed under load (seed ${SEED})`, async () => {
    const random = seeded(SEED);
    const watcher = new Watcher(() => connected(random() < 0.5 ? 1 : 2, "watcher"));
    await watcher.start("load/#");
    const doors = [edge(1).mqttUrl ?? "", edge(2).mqttUrl ?? ""];
    const publishers = ([1, 2] as const).flatMap((qos) =>
      Array.from({ length: EACH_QOS }, (_, n) => {
        const home = n % 2;
        // Mostly the door that it knows; the other one where that does not answer.
        const door = (attempt: number) => doors[(home + (attempt > 3 ? attempt : 0)) % 2] ?? "";
        return new Publisher(`load/${qos}/${n}`, qos, fieldlog.writer, door);
      }),
    );
    for (const publisher of publishers) publisher.start();
    const acknowledged = () => publishers.reduce((sum, { acknowledged: ledger }) => sum + ledger.size, 0);
    const { nats, postgres } = fieldlog.servers;
    const { auth, projections } = fieldlog.system.processes;
    const victims = [edge(1), postgres, edge(2), nats, projections, edge(1), auth, nats, edge(2)];
    for (const victim of victims) {
      const flowing = acknowledged() + 100 + random() * 400;
      await until("messages are taken", () => acknowledged() > flowing);
      await victim?.kill();
      for (const publisher of publishers) publisher.restMs = REST_MS;
      await sleep(random() * 800);
      await victim?.start();
      for (const publisher of publishers) publisher.restMs = 0;
    }
    const flowing = acknowledged() + 200;
    await until("messages are taken again", () => acknowledged() > flowing);
    await Promise.all(publishers.map((publisher) => publisher.stop()));

    expect(publishers.flatMap(({ wrong }) => wrong)).toEqual([]);
    // Without a message that was sent again the faults have shown nothing.
    expect(publishers.some(({ repeated }) => repeated.size > 0)).toBe(true);
    const inLog = await logged(fieldlog);
    for (const { topic, acknowledged: ledger, repeated } of publishers) {
      const stored = inLog.get(topic) ?? [];
      expect(missing(ledger, stored), `${topic} in the log`).toEqual([]);
      // Twice only what its sender did send again; and then it is marked, or it has the same identity.
      expect(
        doubled(stored).filter((n) => !repeated.has(n)),
        `${topic} doubled`,
      ).toEqual([]);
      expect(unmarked(stored), `${topic} doubled and not marked`).toEqual([]);
      if (topic.startsWith("load/2")) {
        expect(stored.every(({ identity }) => identity !== "")).toBe(true);
        expect(doubled(onceEach(stored)), `${topic} of QoS 2`).toEqual([]);
      }
    }
    const total = [...inLog.values()].reduce((sum, list) => sum + onceEach(list).length, 0);
    const inTable = await until("the read model has caught up", async () => {
      const found = await listed(fieldlog, "load/#");
      return [...found.values()].reduce((sum, list) => sum + list.length, 0) >= total && found;
    });
    for (const [topic, stored] of inLog) {
      expect(inTable.get(topic), topic).toEqual(onceEach(stored).map(({ payload }) => payload));
    }
    await until("the watching session has everything", () => watcher.has(inLog));
    await watcher.stop();
    for (const { topic, acknowledged: ledger } of publishers) {
      if (topic.startsWith("load/2")) expect(watcher.twice(topic), `${topic} delivered`).toEqual([]);
      expect(watcher.disorder(topic), `order of ${topic}`).toEqual([]);
      expect(ledger.size).toBeGreaterThan(20);
    }
  }, 300_000);

  it(`delivers ${OFFLINE} messages to a session that was away while every process died, in order`, async () => {
    const away = await connected(1, "away", { version: 5 });
    await away.subscribe({ filter: "offline/queue", qos: 1 });
    await away.disconnect();
    const publisher = await connected(2, "offline-publisher");
    const window = Math.min(500, publisher.connack?.properties.receiveMaximum ?? 500);
    for (let at = 0; at < OFFLINE; at += window) {
      const some = Array.from({ length: Math.min(window, OFFLINE - at) }, (_, n) => n);
      publisher.send(
        ...some.map((n) =>
          publisher.p.publish({ topic: "offline/queue", payload: `${at + n}`, qos: 1, id: n + 1 }),
        ),
      );
      for (const n of some) {
        expect(await publisher.expect("puback", 20_000)).toMatchObject({ id: n + 1, code: 0 });
      }
      // Within the rate that one key is allowed.
      await sleep((some.length / limits.requestsPerSecond) * 1000);
    }
    publisher.drop();
    const processes = Object.values(fieldlog.system.processes);
    await Promise.all([...processes, fieldlog.servers.nats].map((process) => process.kill()));
    await fieldlog.servers.postgres?.kill();
    await Promise.all([fieldlog.servers.nats.start(), fieldlog.servers.postgres?.start()]);
    await Promise.all(processes.map((process) => process.start()));
    const again = await connected(2, "away", { version: 5 });
    expect(again.connack?.sessionPresent).toBe(true);
    for (let n = 0; n < OFFLINE; n++) {
      const message = await again.message(20_000);
      if (message.payload !== `${n}`) expect(message.payload).toBe(`${n}`);
    }
    await again.quiet();
    again.drop();
  }, 300_000);

  it("takes a client identifier over from the other replica, with what was not acknowledged", async () => {
    const first = await connected(1, "moving");
    await first.subscribe({ filter: "moving/#", qos: 2 });
    const publisher = await connected(1, "moving-publisher");
    await publisher.publish({ topic: "moving/a", payload: "held", qos: 1 });
    const { id } = await first.expect("publish");
    const second = await connected(2, "moving");
    expect(second.connack?.sessionPresent).toBe(true);
    await first.refused(0x8e);
    expect(await second.message()).toMatchObject({ id, payload: "held", dup: true });
    await publisher.publish({ topic: "moving/b", payload: "next", qos: 2 });
    expect(await second.message()).toMatchObject({ payload: "next", dup: false });
    const back = await connected(1, "moving", { version: 4 });
    await second.refused(0x8e);
    await publisher.publish({ topic: "moving/c", payload: "last", qos: 1 });
    expect(await back.message()).toMatchObject({ payload: "last" });
    for (const client of [back, publisher]) client.drop();
  });

  it("delivers between the replicas, retained messages too", async () => {
    const [one, two] = [await connected(1, "between-1"), await connected(2, "between-2")];
    await two.subscribe({ filter: "between/#", qos: 1 });
    await one.publish({ topic: "between/live", payload: "live", qos: 1 });
    expect((await two.message()).payload).toBe("live");
    await one.publish({ topic: "between/kept", payload: "kept", qos: 1, retain: true });
    expect((await two.message()).payload).toBe("kept");
    const late = await connected(2, "between-3");
    await late.subscribe({ filter: "between/kept", qos: 1 });
    expect(await late.message()).toMatchObject({ payload: "kept", retain: true });
    for (const client of [one, two, late]) client.drop();
  });

  it("shares a subscription between members at both replicas", async () => {
    const members = [await connected(1, "member-1"), await connected(2, "member-2")];
    for (const member of members) await member.subscribe({ filter: "$share/team/shared/#", qos: 1 });
    const publisher = await connected(1, "shared-publisher");
    const sent = Array.from({ length: 40 }, (_, n) => `${n}`);
    for (const payload of sent) await publisher.publish({ topic: "shared/x", payload, qos: 1 });
    const seen: string[] = [];
    await Promise.all(
      members.map(async (member) => {
        for (;;) {
          const message = await member.message(1_500).catch(() => undefined);
          if (!message) return;
          seen.push(message.payload);
        }
      }),
    );
    expect(seen.sort()).toEqual(sent.sort());
    for (const client of [...members, publisher]) client.drop();
  });

  it("publishes the will of a client whose edge was killed", async () => {
    const watcher = await connected(2, "will-watcher");
    await watcher.subscribe({ filter: "wills/#", qos: 1 });
    const will = { topic: "wills/lost", payload: "lost", qos: 1 };
    await connected(1, "will-owner", { will });
    await edge(1).kill();
    const published = watcher.message(60_000);
    await sleep(1_000);
    await edge(1).start();
    expect((await published).payload).toBe("lost");
    await watcher.quiet(1_000);
    watcher.drop();
  }, 120_000);
});

interface Connecting {
  readonly version?: Version;
  readonly expiryS?: number;
  readonly will?: { topic: string; payload: string; qos: number };
}
