import { setTimeout as sleep } from "node:timers/promises";
import { NoResult } from "../frame/benchmark.js";
import { openFilesLimit } from "../system/open-files.js";
import { residentMiB } from "../system/process-usage.js";
import { anonymousLanes } from "./fleet.js";
import type { MqttStage } from "./stage.js";

export const IDLE_SESSIONS = 10_000;

const SETTLE_MS = 5_000;
/** Files and sockets that a process needs besides. */
const OTHER_FILES = 200;

/**
 * KiB of resident memory that an edge process needs for each of 10,000 connected, idle sessions, over what it
 * has without any. Undefined where the system allows too few open files, or does not tell a process's memory.
 */
export async function idleMemory(stage: MqttStage): Promise<number | undefined> {
  const { progress } = stage.context;
  const { system, load } = stage;
  const before = residentMiB(system.pid("edge-mqtt"));
  if (before === undefined || openFilesLimit() < IDLE_SESSIONS + OTHER_FILES) {
    progress("idle sessions are not measured: too few open files allowed, or not Linux");
    return undefined;
  }
  const [sender] = stage.senders;
  if (sender === undefined) throw new NoResult("there is no device");
  // Many clients may share a device's credential; each has a client id of its own.
  const login = { username: sender.id, password: sender.password };
  const lanes = anonymousLanes(IDLE_SESSIONS).map((lane) => ({ ...lane, ...login }));
  await load.hold(stage.target(lanes));
  await sleep(SETTLE_MS);
  const after = residentMiB(system.pid("edge-mqtt")) ?? Number.NaN;
  const { open } = await load.release();
  if (open !== IDLE_SESSIONS) throw new NoResult(`${open} of ${IDLE_SESSIONS} idle sessions were left`);
  const each = ((after - before) * 1024) / open;
  progress(
    `edge-mqtt: ${before.toFixed(0)} MiB at its start, ${after.toFixed(0)} MiB with ${open} idle sessions`,
  );
  return each;
}
