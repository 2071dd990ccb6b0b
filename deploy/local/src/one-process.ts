import { setTimeout as sleep } from "node:timers/promises";
import {
  createRuntime,
  type Health,
  hostModule,
  listenOps,
  type Settings,
  startTracing,
} from "@fieldlog/runtime";
import type { Screen } from "./screen.js";
import type { chosenServices } from "./services.js";
import type { Undo } from "./undo.js";

/**
 * Starts services in this process, one after the other; resolves when all are ready. How to stop them is in `undo`, also
 * when this raises.
 */
export async function runInOneProcess(
  chosen: ReturnType<typeof chosenServices>,
  o: { settings: Settings; logTo: { write(line: string): void }; screen: Screen },
  undo: Undo,
): Promise<void> {
  const { settings, logTo, screen } = o;
  const whole = createRuntime("fieldlog", settings, { logTo });
  const tracing = await startTracing("fieldlog", settings);
  undo.add(() => tracing.stop());
  // All at once, before the first is asked: what is not there yet cannot say that it is not ready.
  const parts = chosen.map(({ name, module }) => ({
    name,
    module,
    runtime: createRuntime(name, settings, { within: whole }),
  }));
  await whole.lifecycle.start();
  undo.add(() => whole.lifecycle.stop());
  if (settings.opsPort !== undefined) {
    const ops = await listenOps(whole, settings.opsPort);
    undo.add(() => ops.close());
  }
  for (const { name, module, runtime } of parts) {
    undo.add(() => runtime.lifecycle.stop());
    const hosted = await hostModule(runtime, module(runtime));
    undo.add(() => hosted.close());
    undo.check();
    screen.step(`${name} runs`);
  }
  await untilReady(whole.health, undo, screen);
}

/** Milliseconds after which a person is told what is waited for. */
const PATIENCE_MS = 5_000;

/** Resolves when every service is ready: its tables exist, and what it calls answers. */
async function untilReady(health: Health, undo: Undo, screen: Screen): Promise<void> {
  let tell = Date.now() + PATIENCE_MS;
  for (;;) {
    const { ready, checks } = await health.report();
    undo.check();
    if (ready) return;
    if (Date.now() > tell) {
      const waiting = Object.entries(checks).filter(([, state]) => state !== "ok");
      screen.step(`waiting for ${waiting.map(([name, state]) => `${name} (${state})`).join(", ")}`);
      tell = Date.now() + PATIENCE_MS;
    }
    await sleep(20);
  }
}
