import { chmod, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describeDurability, readDurability } from "@fieldlog/event-log";
import { isDoor, OPS_PORT, type ProcessPlan, planProcesses } from "@fieldlog/processes";
import { readSettings, type Settings, SettingsError, settingsTable } from "@fieldlog/runtime";
import { claimDataDirectory } from "@fieldlog/servers";
import type { ProcessesWanted } from "./arguments.js";
import { LogFile } from "./log-file.js";
import { runInOneProcess } from "./one-process.js";
import { keyOf, Ports, portsOfOneProcess } from "./ports.js";
import { endLeftovers, startProcesses } from "./processes/start.js";
import { processTable } from "./processes/table.js";
import { readableProblem } from "./readable.js";
import { putBack } from "./restore.js";
import type { Screen } from "./screen.js";
import { keptSecret } from "./secrets.js";
import { checkLog, nats, natsProgram, postgres } from "./servers.js";
import { chosenServices } from "./services.js";
import { startSimulators } from "./simulator.js";
import { certificate } from "./tls.js";
import type { Undo } from "./undo.js";
import { welcome } from "./welcome.js";

export interface LaunchOptions {
  readonly demo: boolean;
  /** A backup that is put onto empty servers first. */
  readonly restore: string | undefined;
  /** Absent: all services in this process. */
  readonly processes: ProcessesWanted | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly screen: Screen;
}

/**
 * Starts Fieldlog: the servers, then the services. How to stop what has begun is in `undo`, also when this raises; when
 * `undo` is run meanwhile, it raises Stopped.
 */
export async function launch(options: LaunchOptions, undo: Undo): Promise<void> {
  const { demo, restore, processes, env, screen } = options;
  const given = readSettings(env);
  const natsServers = processes?.natsServers ?? 1;
  const dataDir = await makeDataDir(given.dataDir);
  undo.add(await claimDataDirectory("Fieldlog", dataDir));
  await checkLog(given, dataDir, natsServers);
  await endLeftovers(dataDir, screen);

  const chosen = chosenServices(given.services);
  const plans = processes && (await planned(given, env, chosen, processes));
  const ports = plans
    ? portsOfFirst(plans)
    : await portsOfOneProcess(given, env, (service) => chosen.some(({ name }) => name === service));
  const adminKey = await keptSecret(dataDir, "admin-key", given.adminKey);
  const internalToken = await keptSecret(dataDir, "internal-token", given.internalToken);
  const installationKey = await keptSecret(dataDir, "installation-key", given.installationKey);

  const tls = await certificate(given, dataDir);
  undo.add(async () => tls.stop());

  const binary = await natsProgram(given, screen, natsServers);
  undo.check();
  // Both at once; whichever has started is stopped when the other has not.
  const starting = [
    nats(given, { dataDir, natsServers, screen, binary }),
    postgres(given, dataDir, screen),
  ] as const;
  for (const server of starting) {
    undo.add(async () => {
      await (await server.catch(() => undefined))?.stop();
    });
  }
  const [log, database] = await Promise.all(starting);
  undo.check();

  const overrides: Partial<Settings> = {
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
    // Calls between services never leave this machine.
    grpcBind: given.grpcBind ?? "127.0.0.1",
    // Nor do metrics, which anybody may read who reaches them.
    opsBind: given.opsBind ?? "127.0.0.1",
    // Every server keeps all of the log.
    replicas: env[settingsTable.replicas.name] || given.natsUrl ? given.replicas : natsServers,
  };
  const settings = readSettings(env, overrides);
  if (restore !== undefined) {
    const servers = { natsUrl: log.url, postgresUrl: database.url, replicas: settings.replicas };
    // A folder from where npm was called, and not from where it runs us.
    await putBack(resolve(env["INIT_CWD"] ?? ".", restore), servers, screen);
  }
  const host = reachable(settings.bind);
  const opsHost = reachable(settings.opsBind ?? settings.bind);
  let table: string[] = [];
  if (plans) {
    const told = { ...env, ...asEnvironment(overrides) };
    const runs = await startProcesses({ plans, env: told, settings, dataDir, host: opsHost, screen }, undo);
    table = await processTable(runs, host);
  } else {
    const file = new LogFile(join(dataDir, "logs", "fieldlog.log"));
    undo.add(() => file.close());
    const write = (line: string) => {
      file.write(line);
      const problem = readableProblem(line);
      if (problem) screen.problem(problem);
    };
    await runInOneProcess(chosen, { settings, logTo: { write }, screen }, undo);
  }

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
      mqttWssUrl: `wss://${host}:${settings.mqttWssPort}`,
      wsUrl: `ws://${host}:${settings.wsPort}`,
      wssUrl: `wss://${host}:${settings.wssPort}`,
      ca: tls.ca,
      natsUrl: log.url,
      natsMonitorUrl: log.monitorUrl,
      postgresUrl: database.url,
      durability: describeDurability(durability),
      dataDir,
      adminKey,
      opsUrl: plans ? undefined : `http://${opsHost}:${settings.opsPort}`,
      processes: table,
    }),
  );
  if (demo)
    undo.add(startSimulators({ url: localUrl, mqttUrl, env, adminKey: adminKey.value, dataDir, screen }));
}

/** Raises SettingsError for one port that all processes would share, and as `Ports.check`. */
async function planned(
  given: Settings,
  env: NodeJS.ProcessEnv,
  chosen: ReturnType<typeof chosenServices>,
  { replicas }: ProcessesWanted,
): Promise<ProcessPlan[]> {
  if (given.opsPort !== undefined) {
    throw new SettingsError([
      `${settingsTable.opsPort.name} is one port, and with --processes each process has its own: leave it out`,
    ]);
  }
  const ports = new Ports(given, env);
  const plans = await planProcesses({
    ...{ services: chosen.map(({ name }) => name), replicas },
    port: (setting, replica, service) => ports.port(setting, replica, service),
  });
  await ports.check();
  return plans;
}

/** Where a person finds the doors: those of the first of each. The operator's ports are each process's own. */
function portsOfFirst(plans: readonly ProcessPlan[]): Partial<Settings> {
  const firsts = plans.filter(({ replica, service }) => replica === 1 && isDoor(service));
  const ports = firsts.flatMap((plan) => Object.entries(plan.ports)).filter(([name]) => name !== OPS_PORT);
  return Object.fromEntries(ports.map(([name, port]) => [keyOf(name), port]));
}

/** Settings as a process is told them. */
function asEnvironment(settings: Partial<Settings>): Record<string, string> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => [settingsTable[key as keyof Settings].name, String(value)]),
  );
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
