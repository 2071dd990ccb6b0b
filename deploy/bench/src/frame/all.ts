import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { NoResult } from "./benchmark.js";
import { labelOf } from "./compare.js";
import { type Report, shown } from "./report.js";

/**
 * Runs a benchmark as a process of its own, so that none has another's memory or compiled code; what it says of its
 * progress passes through. Raises NoResult when it has none.
 */
export async function runApart(
  main: string,
  benchmark: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Report> {
  const child = spawn(process.execPath, [main, benchmark, "--whole", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  signal.removeEventListener("abort", stop);
  if (code !== 0) throw new NoResult(`${benchmark} has no result; it says why above`);
  return JSON.parse(output);
}

/** How all of them stand, in a few lines. */
export function summaryOf(reports: readonly Report[], without: readonly string[]): string {
  const rows = reports.flatMap(({ benchmark, rows }) => rows.map((row) => ({ benchmark, row })));
  const wanted = rows.filter(({ row }) => row.met !== null);
  const missed = wanted.filter(({ row }) => !row.met);
  return [
    `${wanted.length - missed.length} of ${wanted.length} targets met`,
    ...missed.map(
      ({ benchmark, row }) =>
        `MISSED  ${benchmark}: ${labelOf(row)}: ${shown(row.value)} ${row.unit}, wanted ${row.target}`,
    ),
    ...without.map((benchmark) => `NO RESULT  ${benchmark}`),
  ].join("\n");
}
