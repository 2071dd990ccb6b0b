import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  defaultCacheDir,
  environment,
  freePort,
  obtainMosquitto,
  obtainNatsServer,
  ServerProcess,
} from "@fieldlog/servers";
import type { BenchmarkContext } from "../frame/benchmark.js";
import type { Address } from "../load/orders.js";

/** A broker that Fieldlog is compared with, as a process of its own. */
export interface Peer {
  readonly name: string;
  readonly address: Address;
  readonly pid: number;
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";
const AEDES = fileURLToPath(new URL("./aedes-server.js", import.meta.url));

/** Mosquitto that keeps nothing on the disk; undefined where it cannot be had. */
export async function startMosquitto({ folder, progress }: BenchmarkContext): Promise<Peer | undefined> {
  const mosquitto = await obtainMosquitto({ cacheDir: defaultCacheDir(), progress });
  if (!mosquitto) return undefined;
  const config = ["max_queued_messages 0", "max_inflight_messages 0"];
  const broker = await mosquitto.broker({ dataDir: join(folder, "mosquitto"), config });
  const address = { host: HOST, port: broker.port };
  return {
    ...{ name: `Mosquitto ${mosquitto.version}, in memory`, address, pid: broker.pid },
    stop: () => broker.stop(),
  };
}

/** aedes, in memory. */
export async function startAedes(): Promise<Peer> {
  const child = fork(AEDES, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [{ port }] = (await once(child, "message")) as [{ port: number }];
  const address = { host: HOST, port };
  const stop = async () => {
    const gone = once(child, "exit");
    child.disconnect();
    await gone;
  };
  return { name: "aedes, in memory", address, pid: child.pid ?? 0, stop };
}

/** The NATS server's own MQTT listener, as it is by default: it does not flush before it acknowledges. */
export async function startNatsMqtt({ folder, progress }: BenchmarkContext): Promise<Peer> {
  const binary = await obtainNatsServer({ cacheDir: defaultCacheDir(), progress });
  const dataDir = join(folder, "nats-mqtt");
  await mkdir(dataDir, { recursive: true });
  const [port, mqttPort, monitorPort] = [await freePort(), await freePort(), await freePort()];
  const file = join(dataDir, "nats.conf");
  await writeFile(
    file,
    `server_name: peer
listen: "${HOST}:${port}"
http: "${HOST}:${monitorPort}"
jetstream { store_dir: ${JSON.stringify(dataDir)} }
mqtt { listen: "${HOST}:${mqttPort}" }
`,
  );
  const server = new ServerProcess({
    name: "NATS with MQTT",
    dataDir,
    command: binary,
    args: ["-c", file],
    env: environment(),
    pidFile: join(dataDir, "pid"),
    stopSignal: "SIGTERM",
    answers: async () => (await fetch(`http://${HOST}:${monitorPort}/healthz`)).ok,
    startTimeoutMs: 10_000,
    log: () => undefined,
  });
  await server.start();
  const address = { host: HOST, port: mqttPort };
  return { name: "NATS server's MQTT, unflushed", address, pid: server.pid, stop: () => server.stop() };
}
