import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Screen } from "./screen.js";

/**
 * Starts the simulated networks, seismic and air quality, as processes of their own, which show here what comes
 * back from Fieldlog. Returns how to stop them. When one ends by itself, the rest goes on.
 */
export function startSimulators(o: {
  url: string;
  mqttUrl: string;
  /** Ours: what is set for a program in general holds for the simulators, too. */
  env: NodeJS.ProcessEnv;
  adminKey: string;
  dataDir: string;
  screen: Screen;
}): () => Promise<void> {
  const common = ["--url", o.url, "--state", join(o.dataDir, "simulator")];
  const stops = [
    startSimulator(["seismic", ...common], o),
    startSimulator(["air", ...common, "--mqtt-url", o.mqttUrl], o),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

function startSimulator(
  args: readonly string[],
  o: { env: NodeJS.ProcessEnv; adminKey: string; screen: Screen },
): () => Promise<void> {
  const main = fileURLToPath(new URL("main.js", import.meta.resolve("@fieldlog/simulator")));
  const name = `the simulated network (${args[0]})`;
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...o.env, FIELDLOG_ADMIN_KEY: o.adminKey },
  });
  let stopping = false;
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => o.screen.problem(`${name} cannot be started: ${error.message}`));
    child.on("close", (code) => {
      if (!stopping && code !== 0) o.screen.problem(`${name} ended with ${code}; Fieldlog goes on`);
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
