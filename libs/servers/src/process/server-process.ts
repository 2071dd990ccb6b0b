import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { endLeftover, removePidFile, writePidFile } from "./pid-file.js";

export interface ServerProcessOptions {
  /** The server's name in messages. */
  name: string;
  dataDir: string;
  command: string;
  args: readonly string[];
  /** Default: the environment of this process. */
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** The file that remembers the process, to find it after a crash of its starter. */
  pidFile: string;
  /** The signal on which the server ends cleanly without waiting for its clients. */
  stopSignal: NodeJS.Signals;
  /** Resolves true as soon as the server answers. Asked every 50 ms. */
  answers: () => Promise<boolean>;
  /** Milliseconds until the server must answer (recovering a large store takes its time). Default 120,000. */
  startTimeoutMs?: number;
  log: (line: string) => void;
  /** Called when it has ended after its start although nobody here asked for that; `how`: its exit code or signal. */
  ended?: (how: string) => void;
}

/** The server ended, or did not answer, while it was being started; the message has its last words. */
export class ServerDidNotStart extends Error {
  constructor(
    readonly server: string,
    readonly lastWords: string,
  ) {
    super(`${server} did not start:\n${lastWords}`);
    this.name = "ServerDidNotStart";
  }
}

/** Milliseconds a server gets to end cleanly before it is killed. */
const STOP_TIMEOUT_MS = 30_000;

/**
 * A server as a child process that can be killed and started again. It runs in its own process group, so that
 * a Ctrl-C in the terminal reaches only its starter, which decides on the order; and a guard process ends it
 * when its starter dies without stopping it.
 */
export class ServerProcess {
  #child: ChildProcess | undefined;
  #guard: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #lastWords: string[] = [];
  /** Since the last start an end was asked for. */
  #ending = false;
  #started = false;

  constructor(private readonly o: ServerProcessOptions) {}

  /** The number of the running process; 0 when it does not run. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Resolves when the server answers. Raises ServerDidNotStart or DataDirectoryInUse. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.o.name} is already running`);
    const { name, dataDir, pidFile, stopSignal, log } = this.o;
    this.#ending = false;
    this.#started = false;
    await endLeftover(pidFile, { server: name, dataDir, signal: stopSignal, log });
    if (this.#ending) throw new ServerDidNotStart(name, "it was told to stop");
    this.#spawn();
    if (this.pid) await writePidFile(pidFile, this.pid);
    const deadline = Date.now() + (this.o.startTimeoutMs ?? 120_000);
    while (!(await this.o.answers().catch(() => false))) {
      if (!this.#child) throw new ServerDidNotStart(name, this.#lastWords.join("\n"));
      if (Date.now() > deadline) {
        await this.kill();
        throw new ServerDidNotStart(name, `no answer in time\n${this.#lastWords.join("\n")}`);
      }
      await sleep(50);
    }
    if (!this.#child) throw new ServerDidNotStart(name, this.#lastWords.join("\n"));
    this.#started = true;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#ending = true;
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Ends the server cleanly; kills it when it takes longer than 30 s. */
  async stop(): Promise<void> {
    this.#ending = true;
    const child = this.#child;
    if (!child) return;
    child.kill("SIGCONT");
    child.kill(this.o.stopSignal);
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(late);
    await removePidFile(this.o.pidFile);
  }

  /** SIGSTOP: the server hangs, its connections stay open. */
  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  #spawn(): void {
    const { command, args, env, uid, gid } = this.o;
    const identity = uid === undefined || gid === undefined ? {} : { uid, gid };
    // cwd "/": an unprivileged user may not be allowed into the starter's folder.
    const child = spawn(command, [...args], {
      ...identity,
      ...(env && { env }),
      cwd: "/",
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#lastWords = [];
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#lastWords = [...this.#lastWords.slice(-19), line];
        this.o.log(line);
      });
    }
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        this.#child = undefined;
        this.#guard?.kill("SIGKILL");
        this.#guard = undefined;
        resolve();
      };
      child.once("error", (error) => {
        this.#lastWords.push(error.message);
        if (child.pid === undefined) gone();
      });
      // "close" comes after "exit", when the sessions that shared the server's output are gone as well.
      child.once("close", (code, signal) => {
        gone();
        if (this.#started && !this.#ending) this.o.ended?.(signal ?? `exit code ${code}`);
      });
    });
    if (child.pid) this.#guard = guard(child.pid, this.o.stopSignal);
  }
}

/** A shell that reads from us until we are gone, and then ends the server as `stop` does, one that hangs too. */
function guard(pid: number, signal: NodeJS.Signals): ChildProcess {
  const script = `
    read -r _
    kill -CONT ${pid} && kill -${signal.replace("SIG", "")} ${pid} || exit
    left=${STOP_TIMEOUT_MS / 1_000}
    while [ $left -gt 0 ] && kill -0 ${pid}; do sleep 1; left=$((left - 1)); done
    kill -KILL ${pid}`;
  const child = spawn("/bin/sh", ["-c", script], {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  child.on("error", () => undefined);
  child.stdin.on("error", () => undefined);
  return child;
}
