import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isDoor, OPS_PORT, type ProcessPlan, serviceProcess } from "@fieldlog/processes";
import { createLogger, type Settings } from "@fieldlog/runtime";
import { endLeftover, type ServerProcess } from "@fieldlog/servers";
import { LogFile } from "../log-file.js";
import { readableProblem } from "../readable.js";
import type { Screen } from "../screen.js";
import type { Undo } from "../undo.js";
import { Restarts } from "./restarts.js";

/** Milliseconds after which a person is told what is waited for. */
const PATIENCE_MS = 5_000;
const ANSWER_MS = 2_000;

/** A service's process that is kept running. */
export interface ServiceRun {
  readonly plan: ProcessPlan;
  /** http://host:port of /healthz, /readyz and /metrics. */
  readonly opsUrl: string;
  readonly pid: number;
  /** `ready`, or why not. */
  state(): Promise<string>;
}

export interface StartOptions {
  readonly plans: readonly ProcessPlan[];
  /** What all are told; what each is told beside it is in its plan. */
  readonly env: NodeJS.ProcessEnv;
  readonly settings: Settings;
  readonly dataDir: string;
  /** Where this machine reaches what listens on FIELDLOG_OPS_BIND. */
  readonly host: string;
  readonly screen: Screen;
}

/** The folder of the process files, by which a later start finds what an earlier one left behind. */
const folderOf = (dataDir: string) => join(dataDir, "processes");

/** Ends what a launcher that was killed has left running, so that its ports are free. */
export async function endLeftovers(dataDir: string, screen: Screen): Promise<void> {
  const files = await readdir(folderOf(dataDir)).catch(() => []);
  const end = (file: string) =>
    endLeftover(join(folderOf(dataDir), file), {
      ...{ server: file.replace(/\.pid$/, ""), dataDir, signal: "SIGTERM" },
      log: (line) => screen.step(line),
    });
  await Promise.all(files.filter((file) => file.endsWith(".pid")).map(end));
}

/**
 * Starts the services as processes, those that are called first, then the doors; resolves when all are ready. Each that
 * ends by itself is started again. How to stop them, the doors first, is in `undo`, also when this raises.
 * Raises ServerDidNotStart.
 */
export async function startProcesses(o: StartOptions, undo: Undo): Promise<ServiceRun[]> {
  const runs: ServiceRun[] = [];
  await mkdir(folderOf(o.dataDir), { recursive: true, mode: 0o700 });
  // Who does not want to wait for the end of their work kills them.
  const servers: ServerProcess[] = [];
  process.once("exit", () => {
    for (const server of servers) void server.kill();
  });
  for (const doors of [false, true]) {
    const group = o.plans.filter(({ service }) => isDoor(service) === doors).map((plan) => kept(plan, o));
    servers.push(...group.map(({ server }) => server));
    undo.add(async () => {
      await Promise.all(group.map(({ stop }) => stop()));
    });
    await allReady(group, o.screen);
    undo.check();
    runs.push(...group);
  }
  return runs;
}

type Group = readonly ReturnType<typeof kept>[];

function kept(plan: ProcessPlan, o: StartOptions) {
  const { name } = plan;
  const file = new LogFile(join(o.dataDir, "logs", `${name}.log`));
  const write = (line: string) => {
    file.write(line);
    const problem = readableProblem(line, name);
    if (problem) o.screen.problem(problem);
  };
  const logger = createLogger(name, o.settings.logLevel, { destination: { write } });
  const opsUrl = `http://${o.host}:${plan.ports[OPS_PORT]}`;
  const server = serviceProcess({
    ...{ name, program: programOf(plan), readyUrl: `${opsUrl}/readyz`, env: environmentOf(plan, o) },
    ...{ dataDir: o.dataDir, pidFile: join(folderOf(o.dataDir), `${name}.pid`) },
    log: (line) => write(`${line}\n`),
    ended: (how) => restarts.ended(how),
    // As long as it runs, it waits for what it needs.
    startTimeoutMs: Number.POSITIVE_INFINITY,
  });
  const restarts = new Restarts({
    process: () => server,
    warn: (message) => logger.warn(message),
    say: (message) => o.screen.step(`${name} ${message}`),
  });
  return {
    ...{ plan, opsUrl, server },
    get pid() {
      return server.pid;
    },
    state: () => stateOf(opsUrl),
    stop: async () => {
      await restarts.stop();
      await file.close();
    },
  };
}

const packages = createRequire(import.meta.url);

/** Where everything was bundled, it lies beside the launcher's own; otherwise in the service's package. */
function programOf({ service }: ProcessPlan): string {
  const bundled = join(dirname(process.argv[1] ?? ""), `${service}.mjs`);
  return existsSync(bundled) ? bundled : join(dirname(packages.resolve(`@fieldlog/${service}`)), "main.js");
}

function environmentOf(
  { settings, replica }: ProcessPlan,
  { env, dataDir }: StartOptions,
): NodeJS.ProcessEnv {
  return {
    // What the first has compiled, the others, and all when they are started again, only read.
    NODE_COMPILE_CACHE: join(dataDir, "compiled"),
    ...env,
    ...settings,
    // Those are the same ports wherever they are opened.
    ...(replica > 1 && { FIELDLOG_EDGE_IMPULSE_LOCAL_PORTS: "false" }),
  };
}

async function allReady(group: Group, screen: Screen): Promise<void> {
  const waiting = new Set(group);
  const tell = setInterval(() => void tellOf([...waiting], screen), PATIENCE_MS);
  try {
    await Promise.all(
      group.map(async (run) => {
        await run.server.start();
        waiting.delete(run);
        screen.step(`${run.plan.name} is ready (process ${run.pid})`);
      }),
    );
  } finally {
    clearInterval(tell);
  }
}

async function tellOf(waiting: Group, screen: Screen): Promise<void> {
  const states = await Promise.all(
    waiting.map(async (run) => ({ name: run.plan.name, state: await run.state() })),
  );
  // One reason of each is enough: the others mostly follow from it.
  const names = states.map(({ name, state }) =>
    state === SILENT ? name : `${name} (${state.split(";")[0]})`,
  );
  if (names.length > 0) screen.step(`waiting for ${names.join(", ")}`);
}

const SILENT = "does not answer";

async function stateOf(opsUrl: string): Promise<string> {
  try {
    const answer = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { ready, checks = {} } = (await answer.json()) as {
      ready?: boolean;
      checks?: Record<string, string>;
    };
    const reasons = Object.entries(checks).filter(([, state]) => state !== "ok");
    return ready ? "ready" : reasons.map(([check, state]) => `${check}: ${state}`).join("; ") || "not ready";
  } catch {
    return SILENT;
  }
}
