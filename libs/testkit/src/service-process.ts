import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** A built service in a process of its own, which a test may kill. */
export interface ServiceProcess {
  /** Resolves as soon as it has logged that; rejects when it has ended before. */
  logged(text: string): Promise<void>;
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts it, with no other settings of Fieldlog's than these.
 *
 * @param main path of its `dist/main.js`
 */
export function startServiceProcess(
  main: string,
  settings: Readonly<Record<string, string>>,
): ServiceProcess {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("FIELDLOG_") && name !== "NODE_OPTIONS",
  );
  const env = { ...Object.fromEntries(own), ...settings };
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
