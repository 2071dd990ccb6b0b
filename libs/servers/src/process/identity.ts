import { readFileSync } from "node:fs";
import { run } from "./run.js";

/**
 * What tells one process from a later one with the same number: the moment when it started.
 * Undefined when there is no such process.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  if (!isAlive(pid)) return undefined;
  if (process.platform === "linux") {
    try {
      // proc(5): the fields after the command's closing bracket; the state is the first, the start time the 20th.
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ");
      return fields[0] === "Z" || fields[0] === "X" ? undefined : `${pid}@${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  const started = await run("ps", ["-o", "lstart=", "-p", String(pid)]).catch(() => "");
  return started.trim() ? `${pid}@${started.trim()}` : undefined;
}

/** Whether a process with this number exists, whoever it belongs to. A zombie counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
