#!/usr/bin/env node
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { wholeNumber } from "@fieldlog/arguments";
import { Command, Option } from "commander";
import { BENCHMARK_NAMES, BENCHMARKS } from "./benchmarks.js";
import { runApart } from "./frame/all.js";
import { type Benchmark, type BenchmarkOptions, NoResult } from "./frame/benchmark.js";
import { thisCommit } from "./frame/commit.js";
import { worse } from "./frame/compare.js";
import { flushLatency } from "./frame/disk.js";
import { KeptRuns } from "./frame/kept.js";
import { thisMachine } from "./frame/machine.js";
import { jsonOf, type Report, tableOf, wholeJsonOf } from "./frame/report.js";
import { row } from "./frame/result.js";
import { watchStolen } from "./frame/stolen.js";
import { summaryOf } from "./pages/targets.js";
import { writePages } from "./pages/write.js";
import { Places } from "./profile/places.js";
import { Profiler } from "./profile/profiler.js";

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
const kept = new KeptRuns(FOLDER);

interface Arguments extends BenchmarkOptions {
  json: boolean;
  /** How `all` asks: everything about the run. */
  whole: boolean;
  keep: boolean;
  dir: string;
  /** The process that is profiled, if one is. */
  profile?: string;
}

interface ArgumentsOfAll {
  json: boolean;
  keep: boolean;
  dir: string;
  repeats: number;
  only?: string[];
}

const program = new Command("bench")
  .description("Measures Fieldlog beside what it is compared with, in one run and on one machine.")
  .addHelpText(
    "after",
    `
Without the name of a benchmark all of them run, one after the other: in an hour, and most of another for scale.
Progress goes to standard error, the result to standard output, and with it what got worse since the last run that
was kept in deploy/bench. It ends with 1 when there is no result, because an answer was wrong or the log does not
hold what was acknowledged; a missed target is a result.`,
  );
for (const benchmark of BENCHMARKS) {
  program
    .command(benchmark.name)
    .description(benchmark.about)
    .option("--json", "print the result for programs", false)
    .addOption(new Option("--whole").default(false).hideHelp())
    .option("--keep", "keep the result and its chart in deploy/bench", false)
    .option("--seconds <n>", "length of each measurement", wholeNumber(1, 60), benchmark.seconds ?? 5)
    .option("--repeats <n>", "how often each is measured; medians are shown", wholeNumber(1, 20), 5)
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
    .option(
      "--events <n>",
      "events that a log grows to at most, where one grows",
      wholeNumber(1_000, 50_000_000),
      50_000_000,
    )
    .option("--dir <folder>", "on the disk that is to be measured", ".fieldlog/bench")
    .addOption(
      new Option(
        "--profile <process>",
        "also say where that process spends its time and what it allocates: a service, device, or bench",
      ).conflicts("keep"),
    )
    .action((options: Arguments) => perform(benchmark, options));
}
program
  .command("all", { isDefault: true })
  .description("all of them, each in a process of its own")
  .option("--json", "print the results for programs", false)
  .option("--keep", "keep the results and their charts in deploy/bench", false)
  .option("--repeats <n>", "how often each is measured; medians are shown", wholeNumber(1, 20), 5)
  .option("--only <names...>", "just these benchmarks")
  .option("--dir <folder>", "on the disk that is to be measured", ".fieldlog/bench")
  .action(performAll);
program
  .command("pages")
  .description("writes the list of kept runs in the README, and CAPACITY.md, anew; every --keep does")
  .action(() => writePages(FOLDER, kept, BENCHMARK_NAMES));

async function perform(benchmark: Benchmark, { profile, ...options }: Arguments): Promise<void> {
  const started = Date.now();
  const progress = (message: string) => {
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${benchmark.name}: ${message}\n`);
  };
  const profiler = profile === undefined ? undefined : profilerOf(profile, benchmark, options);
  const report = await measured(benchmark, options, progress, profiler).finally(() => {
    // Of a run without a result too: it may show why.
    if (profiler !== undefined) process.stderr.write(`${profiler.tables()}\n`);
  });
  const before = profiler === undefined ? await kept.last(benchmark.name) : undefined;
  if (before !== undefined) for (const line of worse(before, report)) progress(`WORSE  ${line}`);
  if (options.keep) {
    await kept.keep(report);
    await writePages(FOLDER, kept, BENCHMARK_NAMES);
  }
  const printed = options.whole ? wholeJsonOf : options.json ? jsonOf : tableOf;
  process.stdout.write(`${printed(report)}\n`);
}

async function performAll({ json, keep, dir, repeats, only }: ArgumentsOfAll): Promise<void> {
  const names = BENCHMARK_NAMES.filter((name) => only?.includes(name) ?? true);
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new NoResult(`there is no benchmark ${unknown}`);
  const { signal } = stopped(() => undefined);
  const args = ["--repeats", String(repeats), "--dir", dir, ...(keep ? ["--keep"] : [])];
  const reports: Report[] = [];
  const without: string[] = [];
  for (const name of names) {
    if (signal.aborted) break;
    try {
      const report = await runApart(fileURLToPath(import.meta.url), name, args, signal);
      reports.push(report);
      if (!json) process.stdout.write(`\n${name}\n${tableOf(report)}\n\n`);
    } catch (error) {
      if (!(error instanceof NoResult)) throw error;
      without.push(name);
    }
  }
  if (json) process.stdout.write(`[${reports.map(wholeJsonOf).join(",\n")}]\n`);
  else process.stdout.write(`${summaryOf(reports, without)}\n`);
  if (without.length > 0) process.exitCode = 1;
}

async function measured(
  benchmark: Benchmark,
  { dir, ...options }: Arguments,
  progress: (message: string) => void,
  profiler: Profiler | undefined,
): Promise<Report> {
  const stop = stopped(progress);
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
  const begun = performance.now();
  const about = { benchmark: benchmark.name, date: new Date().toISOString(), commit: await thisCommit() };
  try {
    const stolenSince = watchStolen();
    const flush = await flushLatency(folder);
    const context = { ...options, folder, progress, signal: stop.signal, ...(profiler && { profiler }) };
    const rows = await benchmark.run(context);
    const flushRow = row({ name: "flush of 4 KiB to the disk, p99", unit: "ms", values: [flush.p99Ms] });
    const tookS = (performance.now() - begun) / 1_000;
    const stolen = stolenSince() ?? null;
    return { ...about, tookS, machine: thisMachine(), flush, stolen, rows: [...rows, flushRow] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function profilerOf(name: string, { name: benchmark }: Benchmark, { dir }: Arguments): Profiler {
  const folder = join(
    resolve(dir),
    "profiles",
    `${benchmark}-${new Date().toISOString().replaceAll(":", "")}`,
  );
  return new Profiler(name, folder, new Places(fileURLToPath(new URL("../../..", import.meta.url))).of);
}

/** Aborted when this process is asked to end. */
function stopped(progress: (message: string) => void): AbortController {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      progress("stopping");
      stop.abort(new NoResult(`stopped by ${name}`));
    });
  }
  return stop;
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`no result: ${error instanceof NoResult ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
});
