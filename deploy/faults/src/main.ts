#!/usr/bin/env node
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { number } from "@fieldlog/arguments";
import { removeCluster } from "@fieldlog/servers";
import { Command } from "commander";
import type { Finding } from "./checks/finding.js";
import { type Arguments, optionsOf } from "./options.js";
import { KeptRuns } from "./report/kept.js";
import { recordOf } from "./report/record.js";
import { reportOf } from "./report/report.js";
import { keepWhatWasFound, keepWhatWasSaid } from "./report/traces.js";
import { run } from "./run.js";
import { KINDS, MEANINGS } from "./schedule/fault.js";
import type { Sender } from "./senders/sender.js";
import { DIALECTS } from "./senders/senders.js";

const OWN_FOLDER = join(import.meta.dirname, "..");

const program = new Command("faults")
  .description(
    "Starts Fieldlog as in production (two processes of each service, three NATS servers, PostgreSQL), has devices of " +
      "all dialects send and subscribers listen, does faults to everything, and then looks for what was acknowledged.",
  )
  .option("--minutes <n>", "how long faults are done", number(0.1, 600), 3)
  .option("--hour", "an hour with at least 500 faults", false)
  .option(
    "--seed <n>",
    "another seed is another schedule; the same one is the same again",
    number(0, 2 ** 31),
    7,
  )
  .option("--replicas <n>", "processes of each service", number(1, 4), 2)
  .option("--small", "one process of each service, one NATS server, few devices: for development", false)
  .option("--gap <s>", "seconds between two faults on average (default: 4; of an hour 6.5)", number(0.2, 600))
  .option("--dialect <name...>", `only these devices: ${Object.keys(DIALECTS).join(", ")}`, [])
  .option("--fault <kind...>", `only these faults: ${KINDS.join(", ")}`, [])
  .option("--nats <program>", "the nats-server to run (default: one is obtained that may be in a cluster)")
  .option("--dir <folder>", "holds a folder for the run", ".fieldlog/faults")
  .option("--keep", "keep the run's figures in deploy/faults: results/, and a row in the README", false)
  .option("--keep-data", "keep that folder although nothing was found", false)
  .addHelpText(
    "after",
    `
Faults:
${KINDS.map((kind) => `  ${kind.padEnd(10)}${MEANINGS[kind]}`).join("\n")}

What must hold in the end: each acknowledged signal is in the log and in the tables exactly once; every subscriber has
all of them, in each device's order; every change of liveness is told once; every upload is whole; every process is well
by itself within three minutes. Progress goes to standard error, the result to standard output. It ends with 1 when
something was found; then the data, the logs of all processes, the ledger and the schedule are kept, and the last line
says where. Ctrl-C ends the faults and checks what was acknowledged until then.

  npm run faults -- --minutes 3 --seed 7
  npm run faults -- --small --minutes 1 --dialect native --fault kill --keep-data`,
  )
  .action(perform);

async function perform(given: Arguments): Promise<void> {
  const options = optionsOf(given);
  const begun = Date.now();
  const progress = (message: string) =>
    process.stderr.write(`${((Date.now() - begun) / 1_000).toFixed(1).padStart(7)} s  ${message}\n`);
  await mkdir(options.dir, { recursive: true });
  const folder = await mkdtemp(join(resolve(options.dir), `seed-${options.seed}-`));
  // The user that runs PostgreSQL in place of root must be able to pass through.
  await chmod(folder, 0o711);
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      progress("no more faults; once more ends it at once");
      stop.abort();
    });
  }
  progress(`seed ${options.seed}, in ${folder}`);
  let senders: readonly Sender[] = [];
  const surprises = noteSurprises(progress);
  const done = await run(options, {
    ...{ folder, progress, signal: stop.signal },
    onSenders: (all) => {
      senders = all;
    },
    onSchedule: (faults) =>
      void writeFile(join(folder, "schedule.json"), JSON.stringify(faults, undefined, 1)),
  }).catch(async (error: unknown) => {
    await keepWhatWasSaid(folder, senders);
    process.stdout.write(`Data, logs, ledger and schedule are kept in ${folder}\n`);
    throw error;
  });
  const outcome = { ...done, findings: [...done.findings, ...surprises] };
  process.stdout.write(`${reportOf(outcome)}\n`);
  if (given.keep) {
    const file = await new KeptRuns(OWN_FOLDER).keep(
      recordOf(outcome, process.resourceUsage().maxRSS / 1_024),
    );
    process.stdout.write(`kept as ${file}\n`);
  }
  const found = outcome.findings.length > 0;
  if (found) process.exitCode = 1;
  if (!found && !given.keepData) return remove(folder);
  await keepWhatWasSaid(folder, senders);
  await keepWhatWasFound(folder, outcome);
  process.stdout.write(
    `Everything is kept in ${folder}; the same faults again: ${commandOf(options.seed)}\n`,
  );
}

/** What a sender or subscriber did not foresee is a finding, and the others go on. */
function noteSurprises(progress: (message: string) => void): readonly Finding[] {
  const surprises: Finding[] = [];
  const note = (error: unknown) => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    progress(`not foreseen: ${detail}`);
    surprises.push({ what: "unhealthy", where: "the suite", who: "a sender or subscriber", detail });
  };
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  return surprises;
}

/** With the options of this run, and its seed. */
function commandOf(seed: number): string {
  const given = process.argv.slice(2);
  return ["npm run faults --", ...given, ...(given.includes("--seed") ? [] : ["--seed", seed])].join(" ");
}

async function remove(folder: string): Promise<void> {
  await removeCluster(join(folder, "postgres"));
  await rm(folder, { recursive: true, force: true });
}

// A run that broke off may leave clients behind that would come back for ever.
program.parseAsync().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${(error as Error).stack}\n`);
    process.exit(1);
  },
);
