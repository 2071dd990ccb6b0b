import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Screen } from "./screen.js";

/**
 * Starts the simulated seismic network as a process of its own, which shows here what comes back from Fieldlog.
 * Returns how to stop it. When it ends by itself, the rest goes on.
 */
export function startSimulator(o: {
  url: string;
  adminKey: string;
  dataDir: string;
  screen: Screen;
}): () => Promise<void> {
  const main = fileURLToPath(new URL("main.js", import.meta.resolve("@fieldlog/simulator")));
  const args = ["--url", o.url, "--state", join(o.dataDir, "simulator")];
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, FIELDLOG_ADMIN_KEY: o.adminKey },
  });
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => o.screen.problem(`the simulator cannot be started: ${error.message}`));
    child.on("close", (code) => {
      if (!stopping && code !== 0) o.screen.problem(`the simulator ended with ${code}; Fieldlog goes on`);
      resolve();
    });
  });
  return async () => {
    stopping = true;
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await ended;
    clearTimeout(late);
  };
}
