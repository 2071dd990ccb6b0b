import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { INSTALLATION_KEY, TOKEN } from "./replica.fixture.js";

/** Starts the built service in a process of its own; resolves to what kills it (SIGKILL) once it has started. */
export async function startProcess(
  natsUrl: string,
  postgresUrl: string,
  devicesGrpc: string,
): Promise<{ kill(): Promise<void> }> {
  const own = Object.entries(process.env).filter(
    ([name]) => !name.startsWith("FIELDLOG_") && name !== "NODE_OPTIONS",
  );
  const env = {
    ...Object.fromEntries(own),
    ...{ FIELDLOG_NATS_URL: natsUrl, FIELDLOG_POSTGRES_URL: postgresUrl },
    ...{ FIELDLOG_DEVICES_GRPC: devicesGrpc, FIELDLOG_AUTH_GRPC: devicesGrpc },
    ...{ FIELDLOG_INTERNAL_TOKEN: TOKEN, FIELDLOG_INSTALLATION_KEY: INSTALLATION_KEY },
    // Nobody calls it, and any free port will do.
    ...{ FIELDLOG_SAMPLING_GRPC: "127.0.0.1:0", FIELDLOG_OPS_PORT: "0" },
  };
  const main = join(import.meta.dirname, "..", "dist", "main.js");
  const child = spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let output = "";
  while (!output.includes("started")) {
    const [data] = await Promise.race([once(child.stdout, "data"), ended]);
    if (child.exitCode !== null) throw new Error(`it ended: ${output}`);
    output += String(data);
  }
  child.stdout.resume();
  return {
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
