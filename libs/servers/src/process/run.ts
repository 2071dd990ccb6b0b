import { execFile } from "node:child_process";
import { environment } from "./environment.js";

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** As which user and group the command runs; only root may set them. */
  uid?: number;
  gid?: number;
  /** Milliseconds after which the command is killed. Default 60,000. */
  timeoutMs?: number;
}

/** A command that could not be run or ended with an error; `output` is the end of what it said. */
export class CommandFailed extends Error {
  constructor(
    readonly command: string,
    readonly output: string,
  ) {
    super(`${command}: ${output}`);
    this.name = "CommandFailed";
  }
}

/** Runs a command to its end and returns what it wrote to its standard output. Raises CommandFailed. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { timeoutMs = 60_000, env, ...rest } = options;
  return new Promise((resolve, reject) => {
    execFile(
      command,
      [...args],
      { ...rest, env: environment(env), timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (!error) return resolve(stdout);
        const said = `${stderr || stdout}`.trim().split("\n").slice(-5).join("\n");
        const why = error.killed ? `still running after ${timeoutMs} ms` : said || error.message;
        reject(new CommandFailed(command, why));
      },
    );
  });
}
