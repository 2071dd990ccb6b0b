import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startServers, startSystem, temporaryDir, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TentaApi } from "./air/api.js";
import { register } from "./air/register.js";
import { placeSites } from "./air/sites.js";
import { AirState } from "./air/state.js";

const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const SENSORS = 4;

let servers: Awaited<ReturnType<typeof startServers>>;
let system: Awaited<ReturnType<typeof startSystem>>;
let state: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  servers = await startServers();
  const { url: natsUrl, monitorUrl: natsMonitorUrl } = servers.nats;
  system = await startSystem({
    ...{ natsUrl, natsMonitorUrl },
    postgresUrl: await servers.databaseUrl("air"),
    apart: { "edge-mqtt": 1 },
  });
  state = await temporaryDir();
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await system?.stop();
  await servers?.stop();
  if (state) await rm(state, { recursive: true });
});

function startSimulator() {
  const options = {
    "--url": system.url,
    "--mqtt-url": system.mqttUrl,
    "--sensors": SENSORS,
    "--state": state,
  };
  const args = Object.entries(options).flatMap(([name, value]) => [name, String(value)]);
  const child = spawn(process.execPath, [MAIN, "air", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    return (await ended)[0] as number;
  };
  return { lines, stop };
}

/** The network, as its user sees it. */
async function network() {
  const kept = await AirState.load(join(state, "air-seed-1.json"));
  const onRetry = (reason: string) => process.stderr.write(`${reason}\n`);
  const api = new TentaApi({ url: system.url, signal: AbortSignal.timeout(60_000), onRetry });
  await api.logIn(kept.user.name, kept.user.password);
  const { id = "" } = kept.network ?? {};
  return { api, id, sensors: await api.sensors(id) };
}

const healthy = new RegExp(`°C .*hPa {2}wind .* {2}${SENSORS} sensors {2}\\d+ acknowledged in \\d+ ms$`);

it("sends weather that comes back, goes on over a restart of the door, and has the same sensors every time", async () => {
  const first = startSimulator();
  await until("the weather is shown", () => first.lines.some((line) => healthy.test(line)));
  const { api, id, sensors } = await network();
  expect(sensors).toHaveLength(SENSORS);

  await system.processes["edge-mqtt"]?.kill();
  const since = Date.now() / 1000;
  await until("they are told", () => first.lines.some((line) => line.includes("No connection to")));
  await system.processes["edge-mqtt"]?.start();
  for (const { sensor_identifier: sensor } of sensors) {
    await until("a measurement of the time without a door", async () => {
      const all = await api.measurements(id, sensor);
      return all.some(({ creation_timestamp }) => creation_timestamp > since);
    });
  }
  expect(first.lines.join("\n")).not.toMatch(/Refused/);
  expect(await first.stop()).toBe(0);

  const second = startSimulator();
  await until("the second run goes on", () => second.lines.some((line) => healthy.test(line)));
  expect(second.lines[0]).toContain(`${SENSORS} of them by an earlier run`);
  expect(await second.stop()).toBe(0);
  expect((await network()).sensors).toHaveLength(SENSORS);
}, 180_000);

it("measures as its configuration says, and acknowledges that", async () => {
  const { api, id, sensors } = await network();
  const run = startSimulator();
  const sensor = sensors[0]?.sensor_identifier ?? "";
  const revision = await api.configure(id, sensor, { interval_s: 60_000 });
  await until("it is acknowledged", async () => {
    const all = await api.configurations(id, sensor);
    return all.find((one) => one.revision === revision)?.success === true;
  });
  const bad = await api.configure(id, sensor, { interval_s: "soon" });
  await until("it is acknowledged as of no use", async () => {
    const all = await api.configurations(id, sensor);
    return all.find((one) => one.revision === bad)?.success === false;
  });
  expect(await run.stop()).toBe(0);
}, 120_000);

it("replaces a secret that it lost, and begins anew at a server that does not know its user", async () => {
  const file = join(state, "air-seed-1.json");
  const edit = async (
    change: (kept: { user: { name: string }; sensors: Record<string, unknown> }) => void,
  ) => {
    const kept = JSON.parse(await readFile(file, "utf8"));
    change(kept);
    await writeFile(file, JSON.stringify(kept));
  };
  const runUntilHealthy = async () => {
    const run = startSimulator();
    await until("the weather is shown", () => run.lines.some((line) => healthy.test(line)));
    expect(await run.stop()).toBe(0);
    return run.lines.join("\n");
  };
  await edit((kept) => {
    delete kept.sensors["ballard"];
  });
  expect(await runUntilHealthy()).toContain(`${SENSORS - 1} of them by an earlier run`);
  expect((await network()).sensors).toHaveLength(SENSORS);

  await edit((kept) => {
    kept.user.name = "nobody-here";
  });
  expect(await runUntilHealthy()).toMatch(/in the network seattle-air-[0-9a-f]{6}\./);
}, 180_000);

it("registers all, each once, though the first answer to everything that is made gets lost", async () => {
  const lost = new Set<string>();
  const door = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const { authorization = "" } = headers;
    const text = Buffer.concat(await request.toArray()).toString();
    const answer = await fetch(`${system.url}${url}`, {
      ...{ method, headers: { authorization, "content-type": "application/json" } },
      ...(method === "POST" && { body: text }),
    });
    const body = await answer.text();
    const isLost = method === "POST" && answer.ok && !lost.has(`${url} ${text}`);
    if (isLost) lost.add(`${url} ${text}`);
    response.writeHead(isLost ? 503 : answer.status, { "content-type": "application/json" }).end(body);
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const folder = await temporaryDir();
  try {
    const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}`;
    const api = new TentaApi({ url, signal: AbortSignal.timeout(60_000), onRetry: () => undefined });
    const kept = await AirState.load(join(folder, "state.json"));
    const made = await register(api, kept, placeSites(2, 1), () => undefined);
    expect(lost.size).toBeGreaterThanOrEqual(6);
    expect(await api.networks()).toHaveLength(1);
    const ids = (await api.sensors(made.network.id)).map((one) => one.sensor_identifier);
    expect(ids.sort()).toEqual([...made.sensors.values()].map(({ id }) => id).sort());
  } finally {
    door.close();
    await rm(folder, { recursive: true });
  }
});
