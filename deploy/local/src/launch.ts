import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeDurability, readDurability } from "@fieldlog/event-log";
import {
  createRuntime,
  type Health,
  hostModule,
  listenOps,
  readSettings,
  startTracing,
} from "@fieldlog/runtime";
import { claimDataDirectory } from "@fieldlog/servers";
import { LogFile } from "./log-file.js";
import { choosePorts } from "./ports.js";
import { readableProblem } from "./readable.js";
import type { Screen } from "./screen.js";
import { keptSecret } from "./secrets.js";
import { nats, natsProgram, postgres } from "./servers.js";
import { chosenServices } from "./services.js";
import { startSimulators } from "./simulator.js";
import { certificate } from "./tls.js";
import type { Undo } from "./undo.js";
import { welcome } from "./welcome.js";

/**
 * Starts Fieldlog in this process: the servers, then the services. How to stop what has begun is in `undo`, also
 * when this raises; when `undo` is run meanwhile, it raises Stopped.
 */
export async function launch(
  { demo, env, screen }: { demo: boolean; env: NodeJS.ProcessEnv; screen: Screen },
  undo: Undo,
): Promise<void> {
  const given = readSettings(env);
  const dataDir = await makeDataDir(given.dataDir);
  undo.add(await claimDataDirectory("Fieldlog", dataDir));

  const chosen = chosenServices(given.services);
  const ports = await choosePorts(given, env, (service) => chosen.some(({ name }) => name === service));
  const adminKey = await keptSecret(dataDir, "admin-key", given.adminKey);
  const internalToken = await keptSecret(dataDir, "internal-token", given.internalToken);
  const installationKey = await keptSecret(dataDir, "installation-key", given.installationKey);

  const tls = await certificate(given, dataDir);

  const program = await natsProgram(given, screen);
  undo.check();
  // Both at once; whichever has started is stopped when the other has not.
  const starting = [nats(given, dataDir, screen, program), postgres(given, dataDir, screen)] as const;
  for (const server of starting) {
    undo.add(async () => {
      await (await server.catch(() => undefined))?.stop();
    });
  }
  const [log, database] = await Promise.all(starting);
  undo.check();

  const settings = readSettings(env, {
    ...ports,
    dataDir,
    tlsCert: tls.cert,
    tlsKey: tls.key,
    adminKey: adminKey.value,
    internalToken: internalToken.value,
    installationKey: installationKey.value,
    natsUrl: log.url,
    natsMonitorUrl: log.monitorUrl,
    postgresUrl: database.url,
    // Calls between services never leave this process.
    grpcBind: given.grpcBind ?? "127.0.0.1",
  });
  const file = new LogFile(join(dataDir, "logs", "fieldlog.log"));
  undo.add(() => file.close());
  const logTo = {
    write: (line: string) => {
      file.write(line);
      const problem = readableProblem(line);
      if (problem) screen.problem(problem);
    },
  };
  const whole = createRuntime("fieldlog", settings, { logTo });
  const tracing = await startTracing("fieldlog", settings);
  undo.add(() => tracing.stop());
  // All at once, before the first is asked: what is not there yet cannot say that it is not ready.
  const parts = chosen.map(({ name, module }) => ({
    name,
    module,
    runtime: createRuntime(name, settings, { within: whole }),
  }));
  await whole.lifecycle.start();
  undo.add(() => whole.lifecycle.stop());
  if (settings.opsPort !== undefined) {
    const ops = await listenOps(whole, settings.opsPort);
    undo.add(() => ops.close());
  }

  for (const { name, module, runtime } of parts) {
    undo.add(() => runtime.lifecycle.stop());
    const hosted = await hostModule(runtime, module(runtime));
    undo.add(() => hosted.close());
    undo.check();
    screen.step(`${name} runs`);
  }

  await untilReady(whole.health, undo, screen);

  const host = reachable(settings.bind);
  const localUrl = `http://${host}:${settings.httpPort}`;
  const mqttUrl = `mqtt://${host}:${settings.mqttPort}`;
  const durability = await readDurability(log.monitorUrl);
  screen.print(
    welcome({
      httpUrl: settings.publicUrl ?? localUrl,
      httpsUrl: `https://${host}:${settings.httpsPort}`,
      mqttUrl,
      mqttsUrl: `mqtts://${host}:${settings.mqttsPort}`,
      mqttWsUrl: `ws://${host}:${settings.mqttWsPort}`,
      wsUrl: `ws://${host}:${settings.wsPort}`,
      ca: tls.ca,
      natsUrl: log.url,
      natsMonitorUrl: log.monitorUrl,
      postgresUrl: database.url,
      durability: describeDurability(durability),
      dataDir,
      adminKey,
    }),
  );
  if (demo)
    undo.add(startSimulators({ url: localUrl, mqttUrl, env, adminKey: adminKey.value, dataDir, screen }));
}

/** Milliseconds after which a person is told what is waited for. */
const PATIENCE_MS = 5_000;

/** Resolves when every service is ready: its tables exist, and what it calls answers. */
async function untilReady(health: Health, undo: Undo, screen: Screen): Promise<void> {
  let tell = Date.now() + PATIENCE_MS;
  for (;;) {
    const { ready, checks } = await health.report();
    undo.check();
    if (ready) return;
    if (Date.now() > tell) {
      const waiting = Object.entries(checks).filter(([, state]) => state !== "ok");
      screen.step(`waiting for ${waiting.map(([name, state]) => `${name} (${state})`).join(", ")}`);
      tell = Date.now() + PATIENCE_MS;
    }
    await sleep(20);
  }
}

/** An address that this machine reaches what is bound to `bind` by. */
function reachable(bind: string): string {
  if (bind === "0.0.0.0" || bind === "::") return "127.0.0.1";
  return bind.includes(":") ? `[${bind}]` : bind;
}

/** 0700; for root 0711, because PostgreSQL then runs as a user who has to pass through. */
async function makeDataDir(setting: string): Promise<string> {
  const dataDir = resolve(setting);
  await mkdir(join(dataDir, "logs"), { recursive: true });
  await chmod(dataDir, process.getuid?.() === 0 ? 0o711 : 0o700);
  await chmod(join(dataDir, "logs"), 0o700);
  return dataDir;
}
