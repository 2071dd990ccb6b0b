import { readFileSync } from "node:fs";
import { percent, watchStolen } from "../frame/stolen.js";
import type { Profiler } from "../profile/profiler.js";

const TICKS_PER_S = 100;
const MIB = 1024;

/** Resident memory of a process in MiB; undefined where the system does not tell (only Linux does). */
export function residentMiB(pid: number): number | undefined {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(proc(pid, "status"))?.[1];
  return kib === undefined ? undefined : Number(kib) / MIB;
}

/** Seconds of processor time that a process and its children have used; undefined where the system does not tell. */
export function cpuSeconds(pid: number): number | undefined {
  const children = proc(pid, `task/${pid}/children`).split(" ").map(Number).filter(Boolean);
  const own = ticks(pid);
  if (own === undefined) return undefined;
  return children.reduce((sum, child) => sum + (ticks(child) ?? 0), own) / TICKS_PER_S;
}

/** Of the process itself and of its children that have ended. */
function ticks(pid: number): number | undefined {
  // The name in parentheses may hold blanks; the four times begin with field 14.
  const fields = proc(pid, "stat").split(") ").at(-1)?.split(" ") ?? [];
  const sum = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0);
  return fields.length > 15 ? sum : undefined;
}

/**
 * How many processors each of some processes keeps busy while `work` runs, and what each of so many things that were
 * done cost them: `edge-http 0.97 (31.4 µs each), nats 0.31 (10.0 µs each)`.
 *
 * @param profiled what is measured, for the profile of one of the processes, if that is wanted
 */
export async function withUsage<T>(
  pids: Readonly<Record<string, number>>,
  work: () => Promise<T>,
  profiled?: { readonly what: string; readonly profiler: Profiler | undefined },
): Promise<{ result: T; usage: (done?: number) => string; busy: Readonly<Record<string, number>> }> {
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, cpu: cpuSeconds(pid) }));
  const start = performance.now();
  const stolenSince = watchStolen();
  const result = await (profiled?.profiler?.during(profiled.what, pids, work) ?? work());
  const seconds = (performance.now() - start) / 1000;
  const stolen = stolenSince() ?? 0;
  const used = before.flatMap(({ name, pid, cpu }) => {
    const now = cpuSeconds(pid);
    return cpu === undefined || now === undefined ? [] : [{ name, cpu: now - cpu }];
  });
  const usage = (done?: number) => {
    const each = (cpu: number) => (done ? ` (${((cpu * 1e6) / done).toFixed(1)} µs each)` : "");
    const shares = used.map(({ name, cpu }) => `${name} ${(cpu / seconds).toFixed(2)}${each(cpu)}`);
    const taken = stolen >= 0.005 ? `; the host took ${percent(stolen)}` : "";
    return shares.length > 0 ? `processors busy: ${shares.join(", ")}${taken}` : "";
  };
  const busy = Object.fromEntries(used.map(({ name, cpu }) => [name, cpu / seconds]));
  return { result, usage, busy };
}

function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
