import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { INSTALLATION_KEY, TOKEN } from "./replica.fixture.js";

/** The built service in a process of its own, which a test may kill. */
export interface Process {
  /** Resolves as soon as it has logged that; rejects when it has ended before. */
  logged(text: string): Promise<void>;
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export function startProcess(natsUrl: string, postgresUrl: string): Process {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("FIELDLOG_") && name !== "NODE_OPTIONS",
  );
  const env = {
    ...Object.fromEntries(own),
    FIELDLOG_NATS_URL: natsUrl,
    FIELDLOG_POSTGRES_URL: postgresUrl,
    FIELDLOG_INTERNAL_TOKEN: TOKEN,
    FIELDLOG_INSTALLATION_KEY: INSTALLATION_KEY,
    // Nobody calls it, and any free port will do.
    FIELDLOG_DEVICES_GRPC: "127.0.0.1:0",
    FIELDLOG_OPS_PORT: "0",
  };
  const main = join(import.meta.dirname, "..", "dist", "main.js");
  const child: ChildProcess = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (data: Buffer) => {
      output += data;
      child.emit("output");
    });
  }
  const ended = once(child, "exit");
  const logged = async (text: string) => {
    while (!output.includes(text)) {
      if (child.exitCode !== null) throw new Error(`it ended before it logged ${text}:\n${output}`);
      await Promise.race([once(child, "output"), ended]);
    }
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await ended;
  };
  return { logged, kill, signal: (signal) => child.kill(signal) };
}
