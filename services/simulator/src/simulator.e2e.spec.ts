import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startServers, startSystem, temporaryDir, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const STATIONS = 60;

let servers: Awaited<ReturnType<typeof startServers>>;
let system: Awaited<ReturnType<typeof startSystem>>;
let state: string;

beforeAll(async () => {
  servers = await startServers();
  const { url: natsUrl, monitorUrl: natsMonitorUrl } = servers.nats;
  system = await startSystem({
    inOneProcess: true,
    natsUrl,
    natsMonitorUrl,
    postgresUrl: await servers.databaseUrl("simulator"),
  });
  state = await temporaryDir();
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
  if (state) await rm(state, { recursive: true });
});

function startSimulator() {
  const options = {
    "--url": system.url,
    "--stations": STATIONS,
    "--speed": 600,
    "--state": join(state, "sim"),
  };
  const args = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, FIELDLOG_ADMIN_KEY: system.adminKey },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = await ended;
    return code as number;
  };
  return { lines, stop };
}

async function call<T>(path: string, body?: object): Promise<T> {
  const authorization = `Bearer ${system.adminKey}`;
  const response = await fetch(`${system.url}/v1/namespaces/default/${path}`, {
    headers: { authorization, "content-type": "application/json" },
    ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
  });
  expect(response.status).toBe(body ? 201 : 200);
  return (await response.json()) as T;
}

const complete = /M +-?\d\.\d {2}.+ {2}(\d+) stations? +\d+ ms late/;

it("shows earthquakes whose picks went through the log and the read model, with the same stations every time", async () => {
  const first = startSimulator();
  await until(
    "three earthquakes are shown",
    () => first.lines.filter((line) => complete.test(line)).length >= 3,
  );
  expect(await first.stop()).toBe(0);
  expect(first.lines.join("\n")).not.toMatch(/Refused|failed/);

  const { events } = await call<{ events: { type: string; data: { readings: number[] } }[] }>(
    "events?type=pick&limit=1000",
  );
  expect(events.length).toBeGreaterThanOrEqual(3);
  expect(new Set(events.map((event) => event.type))).toEqual(new Set(["pick"]));
  for (const event of events) expect(event.data.readings).toHaveLength(3);

  const second = startSimulator();
  await until("the second run goes on", () => second.lines.some((line) => complete.test(line)), 90_000);
  expect(second.lines[0]).toContain(`${STATIONS} of them by an earlier run`);
  expect(await second.stop()).toBe(0);
  const { devices } = await call<{ devices: unknown[] }>("devices?limit=1000");
  expect(devices).toHaveLength(STATIONS);
});

it("gives what a station is asked for: samples of the time that was meant", async () => {
  const simulator = startSimulator();
  await until("it runs", () => simulator.lines.some((line) => line.includes("stations are registered")));
  const { devices } = await call<{ devices: { id: string }[] }>("devices?limit=1");
  const device = devices[0]?.id ?? "";
  const [start, end] = [Date.now() - 30_000, Date.now() - 10_000].map((ms) => new Date(ms).toISOString());
  await call("requests", { device, start, end });
  const found = await until("the station has uploaded it", async () => {
    const { readings } = await call<{ readings: { number: number; start: string }[] }>(
      `readings?device=${device}`,
    );
    return readings[0];
  });
  expect(found.start).toBe(start);
  const { waveform } = await call<{ waveform: { streams: { samples: number[] }[] } }>(
    `readings/${found.number}?format=json`,
  );
  expect(waveform.streams.map(({ samples }) => samples.length)).toEqual([1_000, 1_000, 1_000]);
  expect(await simulator.stop()).toBe(0);
  expect(simulator.lines.join("\n")).not.toContain("Refused");
});
