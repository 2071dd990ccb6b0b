import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { setTimeout as delay } from "node:timers/promises";
import { saveFile } from "./output/save-file.js";

/** Everything outside that a command touches, so that tests can stand in for it. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** Whether a person reads standard output: colours and progress bars. */
  readonly terminal: boolean;
  /** Columns of the terminal. */
  readonly width: number;
  out(text: string): void;
  err(text: string): void;
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** ms since 1970 UTC */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Whether the person typed y or yes; undefined: there is nobody to ask. */
  confirm(question: string): Promise<boolean | undefined>;
  /** Writes a file: all of it, or none. Raises CliError if it is there and is not to be replaced, or cannot be written. */
  save(path: string, content: AsyncIterable<Uint8Array>, replace: boolean): Promise<void>;
  /** Runs a program at this terminal, with more environment; its exit code. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number>;
}

export function realWorld(): World {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  return {
    env: process.env,
    cwd: process.cwd(),
    terminal: process.stdout.isTTY === true,
    width: process.stdout.columns ?? 100,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    fetch: (url, init) => fetch(url, init),
    now: () => Date.now(),
    sleep: (ms) => delay(ms),
    save: saveFile,
    async run(program, args, env) {
      const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
      // A Ctrl-C reaches both: the program ends by it, and then we do. Who means to end us by SIGTERM means it.
      const wait = () => undefined;
      const end = () => child.kill("SIGTERM");
      process.on("SIGINT", wait).on("SIGTERM", end);
      const [code] = (await once(child, "close")) as [number | null];
      process.off("SIGINT", wait).off("SIGTERM", end);
      return code ?? 1;
    },
    async confirm(question) {
      if (!process.stdin.isTTY) return undefined;
      const prompt = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^y(es)?$/i.test((await prompt.question(`${question} [y/N] `)).trim());
      } finally {
        prompt.close();
      }
    },
  };
}
