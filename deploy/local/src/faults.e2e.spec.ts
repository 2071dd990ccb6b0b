import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "@fieldlog/chance";
import {
  allInProcesses,
  type System,
  startServers,
  startSystem,
  type TestServers,
  until,
} from "@fieldlog/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { Fleet } from "./fleet.fixture.js";
import { listed, logged } from "./truth.fixture.js";

type OwnServers = TestServers & { postgres: NonNullable<TestServers["postgres"]> };
interface Killable {
  kill(): Promise<void>;
  start(): Promise<void>;
}

const DEVICES = 24;
/** Milliseconds that a device rests between two messages while something starts, which needs the machine. */
const REST_MS = 200;
/** Another seed is another schedule; a failure names the one that it had. */
const SEED = Number(process.env["FAULT_SEED"] ?? 20_261_121);

const allShapes = [
  { shape: "one process", faultsEach: 2, options: { inOneProcess: true } },
  {
    faultsEach: 1,
    shape: "several processes, two edges and two projections",
    options: { apart: { "edge-http": 2, projections: 2, auth: 1, devices: 1 } },
  },
] as const;
// Where all systems are in processes, the two are the same.
const shapes = allInProcesses() ? allShapes.slice(1) : allShapes;

let servers: OwnServers | undefined;
let system: System | undefined;

afterEach(async () => {
  await system?.stop();
  await servers?.stop();
  system = undefined;
  servers = undefined;
});

async function start(options: (typeof allShapes)[number]["options"]): Promise<[OwnServers, System]> {
  servers = await startServers({ ownPostgres: true });
  system = await startSystem({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl("faults"),
    ...options,
  });
  return [servers, system];
}

describe.each(shapes)(
  "under load, killed at random moments, as $shape",
  { retry: 0 },
  ({ faultsEach, options }) => {
    it(`keeps every acknowledged event once (seed ${SEED})`, async () => {
      const [{ nats, postgres }, running] = await start(options);
      const random = seeded(SEED);
      const doors = Object.entries(running.processes).flatMap(([name, { url }]) =>
        name.startsWith(running.processes["edge-http"] ? "edge-http" : "fieldlog") ? [url] : [],
      );
      const fleet = new Fleet(doors, random);
      await fleet.register(DEVICES);
      fleet.start();
      const victims: [string, Killable][] = [
        ["nats", nats],
        ["postgres", postgres],
        ...Object.entries(running.processes),
      ];
      const schedule = victims
        .flatMap((victim) => Array.from({ length: faultsEach }, () => ({ victim, order: random() })))
        .sort((a, b) => a.order - b.order);
      for (const { victim } of schedule) {
        const [name, part] = victim;
        const flowing = fleet.acknowledged.size + 50 + random() * 500;
        await until(`messages are taken before ${name} is killed`, () => fleet.acknowledged.size > flowing);
        await part.kill();
        fleet.restMs = REST_MS;
        await sleep(random() * 800);
        await part.start();
        fleet.restMs = 0;
      }
      fleet.restMs = REST_MS;
      for (const [name, victim] of Object.entries(running.processes)) {
        await until(`${name} ready again`, async () => (await fetch(`${victim.url}/readyz`)).ok);
      }
      await fleet.stop();

      expect(fleet.wrong).toEqual([]);
      expect(fleet.acknowledged.size).toBeGreaterThan(schedule.length * 50);
      expect(fleet.acknowledged).toEqual(fleet.sent);
      const inLog = await logged(nats);
      expect(new Set(inLog.keys())).toEqual(fleet.acknowledged);
      const doubled = [...inLog].filter(([, count]) => count > 1).map(([name]) => name);
      // The log may hold a resend, but only of what its sender did send again.
      expect(doubled.filter((name) => !fleet.repeated.has(name))).toEqual([]);
      const inTable = await until("the read model caught up", async () => {
        const counts = await listed(running);
        return counts.size >= inLog.size && counts;
      });
      expect([...inTable].filter(([, count]) => count !== 1)).toEqual([]);
      expect(new Set(inTable.keys())).toEqual(fleet.acknowledged);
    }, 300_000);
  },
);
