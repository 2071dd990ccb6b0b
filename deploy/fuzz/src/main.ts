#!/usr/bin/env node
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { number } from "@fieldlog/arguments";
import { Command } from "commander";
import { corpusOf, keepCorpus } from "./corpus.js";
import { attempt } from "./run/attempt.js";
import { Coverage } from "./run/coverage.js";
import type { Finding } from "./run/finding.js";
import { fuzz } from "./run/fuzz.js";
import type { Target } from "./target.js";
import { targets } from "./targets/targets.js";

interface Arguments {
  readonly seconds: number;
  readonly seed: number;
  readonly input?: string;
  readonly keep: boolean;
  readonly list: boolean;
  readonly dir: string;
}

const program = new Command("fuzz")
  .description(
    "Gives decoders what nobody would send, guided by what code that reaches, and keeps what they fail on.",
  )
  .argument("[target...]", "names or their beginnings, such as csn or csn/event; none: all")
  .option("--seconds <n>", "how long each target is given inputs", number(0.1, 86_400), 10)
  .option("--seed <n>", "another seed is another run", number(0, 2 ** 31), Date.now() % 100_000)
  .option("--input <file>", "gives the target this one input, and shows what it does")
  .option("--keep", "adds short inputs that reached something new to the corpus in the repository", false)
  .option("--list", "shows the targets", false)
  .option("--dir <folder>", "gets the inputs that a target fails on", ".fieldlog/fuzz")
  .addHelpText(
    "after",
    `
It ends with 1 when something was found. Ctrl-C ends it early.

  npm run fuzz -- --seconds 60
  npm run fuzz -- mqtt --seconds 600 --seed 7`,
  )
  .action(perform);

async function perform(names: readonly string[], given: Arguments): Promise<void> {
  const wanted = targets.filter(
    ({ name }) => names.length === 0 || names.some((each) => name.startsWith(each)),
  );
  if (wanted.length === 0) throw new Error(`there is no such target; there are:\n${namesOf(targets)}`);
  if (given.list) process.stdout.write(`${namesOf(wanted)}\n`);
  else if (given.input !== undefined) await reproduce(wanted, given.input);
  else await search(wanted, given);
}

const namesOf = (all: readonly Target[]) => all.map(({ name }) => name).join("\n");

async function reproduce([target, ...others]: readonly Target[], file: string): Promise<void> {
  if (target === undefined || others.length > 0) throw new Error("an input is for one target");
  const input = await readFile(file);
  const { failure } = await attempt(target, [input]);
  process.stdout.write(failure === undefined ? "nothing is wrong\n" : `${inspect(failure.error)}\n`);
  if (failure !== undefined) process.exitCode = 1;
}

async function search(wanted: readonly Target[], { seconds, seed, keep, dir }: Arguments): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  const findings: Finding[] = [];
  process.stderr.write(`seed ${seed}, ${wanted.length} targets, ${seconds} s each\n`);
  for (const target of wanted) {
    if (stop.signal.aborted) break;
    const corpus = await corpusOf(target.name);
    const coverage = new Coverage(isOurs);
    const result = await fuzz(target, {
      ...{ seed, corpus, coverage, ms: seconds * 1_000, signal: stop.signal },
      onFinding: (finding) => process.stderr.write(`${target.name}: found: ${finding.key}\n`),
    });
    coverage.end();
    findings.push(...result.findings);
    const kept = keep ? `, corpus ${await keepCorpus(target.name, result.kept)}` : "";
    const percent = Math.round((100 * result.taken) / result.inputs);
    const told = `${result.inputs} inputs, ${percent} % taken, ${result.kept.length} reached something new${kept}`;
    process.stderr.write(`${target.name}: ${told}, ${result.findings.length} found\n`);
  }
  await report(findings, dir);
}

/** Of decoders, not of what decodes for us, nor of this program. */
function isOurs(url: string): boolean {
  return /\/(?:libs|services)\/[^/]+\/dist\//.test(url);
}

async function report(findings: readonly Finding[], dir: string): Promise<void> {
  if (findings.length === 0) {
    process.stdout.write("Nothing was found.\n");
    return;
  }
  await mkdir(dir, { recursive: true });
  for (const [index, { target, input, error }] of findings.entries()) {
    const file = join(dir, `${target.replaceAll("/", "-")}-${index + 1}.bin`);
    await writeFile(file, input);
    process.stdout.write(`\n${target}: ${inspect(error)}\n${input.length} bytes; again with:\n`);
    process.stdout.write(`  npm run fuzz -- ${target} --input ${file}\n`);
  }
  process.exitCode = 1;
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
