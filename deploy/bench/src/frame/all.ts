import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { NoResult } from "./benchmark.js";
import type { Report } from "./report.js";

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
