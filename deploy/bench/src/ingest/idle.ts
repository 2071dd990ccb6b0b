import { setTimeout as sleep } from "node:timers/promises";
import { NoResult } from "../frame/benchmark.js";
import { openFilesLimit } from "../system/open-files.js";
import { residentMiB } from "../system/process-usage.js";
import type { Stage } from "./stage.js";

export const IDLE_CONNECTIONS = 10_000;

const SETTLE_MS = 5_000;
/** Files and sockets that a process needs besides. */
const OTHER_FILES = 200;

/**
 * Resident memory of an edge process, in MiB, that holds idle connections, each of which has sent one event.
 * Undefined where the system allows too few open files, or does not tell a process's memory.
 */
export async function idleMemory(stage: Stage): Promise<number | undefined> {
  const { progress } = stage.context;
  const pid = stage.system.pid("edge-http");
  const before = residentMiB(pid);
  if (before === undefined || openFilesLimit() < IDLE_CONNECTIONS + OTHER_FILES) {
    progress("idle connections are not measured: too few open files allowed, or not Linux");
    return undefined;
  }
  await stage.load.prepare(IDLE_CONNECTIONS, IDLE_CONNECTIONS);
  await stage.edgeRun(() => stage.load.hold(stage.system.edge));
  await sleep(SETTLE_MS);
  const after = residentMiB(pid) ?? Number.NaN;
  const { open } = await stage.load.release();
  if (open !== IDLE_CONNECTIONS)
    throw new NoResult(`${open} of ${IDLE_CONNECTIONS} idle connections were left`);
  progress(
    `edge-http: ${before.toFixed(0)} MiB at its start, ${after.toFixed(0)} MiB with ${open} idle connections`,
  );
  return after;
}
