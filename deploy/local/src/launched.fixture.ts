import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { freePort } from "@fieldlog/servers";
import { anyGrpcPorts, compileCache, LAUNCHER, programOf, until } from "@fieldlog/testkit";

/** The settings of all ports of one process, but those for calls between services. */
export const PORTS = ["HTTP", "HTTPS", "MQTT", "MQTTS", "MQTT_WS", "MQTT_WSS", "WS", "WSS", "OPS"].map(
  (name) => `FIELDLOG_${name}_PORT`,
);
export const anyPorts = { ...anyGrpcPorts, ...Object.fromEntries(PORTS.map((name) => [name, "0"])) };

export async function freePorts(): Promise<Record<string, string>> {
  const ports = new Set<number>();
  while (ports.size < PORTS.length) ports.add(await freePort());
  return {
    ...anyGrpcPorts,
    ...Object.fromEntries([...ports].map((port, index) => [PORTS[index], String(port)])),
  };
}

/** The one that it printed. */
export const adminKey = (run: Run) => /fl_[\w-]{43}/.exec(run.output())?.[0] ?? "";

/** A launcher that was started. */
export interface Run {
  child: ChildProcess;
  output(): string;
  /** Resolves when the text was printed; raises when the process ends before. */
  says(text: string): Promise<void>;
  /** The exit code. */
  ends(): Promise<number | null>;
}

export function launch(settings: Record<string, string>, args: string[]): Run {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [programOf(LAUNCHER), ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE: compileCache(), ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    output: () => output,
    says: (text) =>
      until(
        `the launcher says "${text}"`,
        () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}:\n${output}`);
          return output.includes(text);
        },
        240_000,
      ).then(() => undefined),
    ends: () => ended,
  };
}
