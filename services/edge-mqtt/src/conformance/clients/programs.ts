import { spawn } from "node:child_process";
import type { Command } from "@fieldlog/servers";

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** A program that runs. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** SIGKILL: nothing more is said. */
  kill(): void;
}

/** Starts a program; it is killed after `timeoutMs`. */
export function start(
  { command, env }: Command,
  args: readonly string[],
  { input, timeoutMs = 60_000 }: { input?: string; timeoutMs?: number } = {},
): Running {
  const child = spawn(command, args, { env: { ...process.env, ...env }, timeout: timeoutMs });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
  return { ended, kill: () => child.kill("SIGKILL") };
}
