import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NoResult } from "../frame/benchmark.js";

const READY_MS = 60_000;
const STOP_MS = 15_000;

/** One service as a process of its own, as in production; its log goes into a file. */
export class ServiceProcess {
  readonly #child: ChildProcess;

  private constructor(
    readonly name: string,
    child: ChildProcess,
    private readonly logFile: string,
  ) {
    this.#child = child;
  }

  /** Starts the service's `dist/main.js`. */
  static start(name: string, options: { env: Record<string, string>; logFile: string }): ServiceProcess {
    const main = new URL("./main.js", import.meta.resolve(`@fieldlog/${name}`));
    const log = openSync(options.logFile, "a");
    const child = spawn(process.execPath, [fileURLToPath(main)], {
      env: { PATH: process.env["PATH"], NODE_ENV: "production", ...options.env },
      stdio: ["ignore", log, log],
    });
    return new ServiceProcess(name, child, options.logFile);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Raises NoResult with its last words if it has ended. */
  mustRun(): void {
    if (this.#ended) throw new NoResult(`${this.name} has ended:\n${this.#lastWords()}`);
  }

  /** SIGTERM; killed where that takes too long. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const killer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(killer);
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits until its `/readyz` says that it is ready. Raises NoResult. */
  async ready(url: string): Promise<void> {
    const end = Date.now() + READY_MS;
    for (;;) {
      this.mustRun();
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      const body = await answer?.text();
      if (answer?.ok) return;
      if (Date.now() > end) {
        await this.stop();
        throw new NoResult(`${this.name} is not ready (${body ?? "no answer"}):\n${this.#lastWords()}`);
      }
      await sleep(50);
    }
  }

  #lastWords(): string {
    return readFileSync(this.logFile, "utf8").split("\n").slice(-15).join("\n");
  }
}
