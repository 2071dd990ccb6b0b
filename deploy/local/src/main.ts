import { CredrcError, credrcSettings, readCredrc } from "@fieldlog/cli";
import { SettingsError } from "@fieldlog/runtime";
import { DataDirectoryInUse, NatsServerNotFound, PortTaken, ServerDidNotStart } from "@fieldlog/servers";
import { parseArguments, UsageError } from "./arguments.js";
import { launch } from "./launch.js";
import { PortInUse } from "./ports.js";
import { NotRestored } from "./restore.js";
import { Screen } from "./screen.js";
import { OtherInstallationKey } from "./secrets.js";
import { OtherLog } from "./servers.js";
import { Undo } from "./undo.js";
import { usage } from "./usage.js";

/** Errors that a person can do something about: their message is all there is to say. */
const FORESEEN = [
  UsageError,
  SettingsError,
  CredrcError,
  PortInUse,
  PortTaken,
  DataDirectoryInUse,
  NatsServerNotFound,
  OtherInstallationKey,
  OtherLog,
  NotRestored,
  ServerDidNotStart,
];

/** Signals within this time are one Ctrl-C: it comes from the terminal and, a second time, through npm. */
const SAME_SIGNAL_MS = 700;

/** What the person set: read here, and passed on to what needs it. */
const { env } = process;

/** With the settings of the credrc that was asked for; those of the environment go before them. Raises CredrcError. */
function environment(credrc: string | undefined): NodeJS.ProcessEnv {
  if (credrc === undefined) return env;
  const read = readCredrc(credrc === "" ? undefined : credrc, { env, cwd: env["INIT_CWD"] ?? process.cwd() });
  screen.step(read.path === undefined ? "found no credrc" : `Using configuration at ${read.path}`);
  return read.path === undefined ? env : { ...credrcSettings(read), ...env };
}

const color = process.stdout.isTTY === true && !env["NO_COLOR"];
const screen = new Screen(process.stdout, process.stderr, color);
const undo = new Undo();

async function main(): Promise<void> {
  const { demo, help, credrc, restore, processes } = parseArguments(process.argv.slice(2));
  if (help) return screen.print(usage());
  let launched = Promise.resolve();
  stopOnSignals(() => launched);
  const launching = launch({ demo, restore, processes, env: environment(credrc), screen }, undo);
  launched = launching.then(ignore, ignore);
  await launching;
}

const ignore = () => undefined;

/** The first signal stops, a later one ends at once. `launched` resolves when the start has come to its end, good or bad. */
function stopOnSignals(launched: () => Promise<void>): void {
  let first = 0;
  const onSignal = () => {
    if (first !== 0) {
      if (Date.now() - first > SAME_SIGNAL_MS) process.exit(130);
      return;
    }
    first = Date.now();
    screen.step("stopping (Ctrl-C again: at once)");
    const stop = async () => {
      await undo.run();
      await launched();
      await undo.run();
      screen.step("stopped");
      process.exit(0);
    };
    void stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
}

main().catch(async (error: unknown) => {
  // What a signal broke off needs no explanation; its own end follows.
  if (undo.begun) return;
  await undo.run();
  const foreseen = FORESEEN.some((kind) => error instanceof kind);
  const text = error instanceof Error ? (foreseen ? error.message : error.stack) : String(error);
  screen.problem(`Fieldlog did not start: ${text}`);
  process.exit(1);
});
