#!/usr/bin/env node
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { deviceClient } from "./device-client/device-client.js";
import { fanout } from "./fanout/fanout.js";
import { type Benchmark, type BenchmarkOptions, NoResult } from "./frame/benchmark.js";
import { flushLatency } from "./frame/disk.js";
import { thisMachine } from "./frame/machine.js";
import { jsonOf, type Report, tableOf } from "./frame/report.js";
import { row } from "./frame/result.js";
import { ingest } from "./ingest/ingest.js";
import { liveness } from "./liveness/liveness.js";
import { matching } from "./matching/matching.js";
import { mqtt } from "./mqtt/mqtt.js";
import { websocket } from "./websocket/websocket.js";

const BENCHMARKS: readonly Benchmark[] = [ingest, mqtt, matching, fanout, liveness, websocket, deviceClient];

interface Arguments extends BenchmarkOptions {
  json: boolean;
  dir: string;
}

const program = new Command("bench")
  .description("Measures Fieldlog beside what it is compared with, in one run and on one machine.")
  .addHelpText(
    "after",
    `
Progress goes to standard error, the result to standard output. It ends with 1 when there is no result,
because an answer was wrong or the log does not hold what was acknowledged; a missed target is a result.`,
  );
for (const benchmark of BENCHMARKS) {
  program
    .command(benchmark.name)
    .description(benchmark.about)
    .option("--json", "print the result for programs", false)
    .option("--seconds <n>", "length of each measurement", wholeNumber(1, 60), benchmark.seconds ?? 5)
    .option("--repeats <n>", "how often each is measured; medians are shown", wholeNumber(1, 20), 3)
    .option(
      "--connections <n>",
      "connections of the load generator",
      wholeNumber(1, 512),
      benchmark.connections,
    )
    .option(
      "--path <n>",
      "seconds that a whole path is kept under load, if it has one; 0: not",
      wholeNumber(0, 3600),
      300,
    )
    .option("--dir <folder>", "on the disk that is to be measured", ".fieldlog/bench")
    .action((options: Arguments) => perform(benchmark, options));
}

async function perform(benchmark: Benchmark, { json, dir, ...options }: Arguments): Promise<void> {
  const started = Date.now();
  const progress = (message: string) => {
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${benchmark.name}: ${message}\n`);
  };
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      progress("stopping");
      stop.abort(new NoResult(`stopped by ${name}`));
    });
  }
  await mkdir(dir, { recursive: true });
  const folder = await mkdtemp(join(resolve(dir), `${benchmark.name}-`));
  // The user that runs PostgreSQL in place of root must be able to pass through.
  await chmod(folder, 0o711);
  const [load = 0] = loadavg();
  if (load > availableParallelism() / 4) {
    progress(
      `other programs keep this machine busy (load ${load.toFixed(1)}): the figures will not be its best`,
    );
  }
  try {
    const flush = await flushLatency(folder);
    const measured = await benchmark.run({ ...options, folder, progress, signal: stop.signal });
    const flushRow = row({ name: "flush of 4 KiB to the disk, p99", unit: "ms", values: [flush.p99Ms] });
    const report: Report = { machine: thisMachine(), flush, rows: [...measured, flushRow] };
    process.stdout.write(`${json ? jsonOf(report) : tableOf(report)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most}`);
    }
    return value;
  };
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`no result: ${error instanceof NoResult ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
});
