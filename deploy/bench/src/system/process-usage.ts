import { readFileSync } from "node:fs";

const TICKS_PER_S = 100;
const MIB = 1024;

/** Resident memory of a process in MiB; undefined where the system does not tell (only Linux does). */
export function residentMiB(pid: number): number | undefined {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(proc(pid, "status"))?.[1];
  return kib === undefined ? undefined : Number(kib) / MIB;
}

/** Seconds of processor time that a process has used; undefined where the system does not tell. */
export function cpuSeconds(pid: number): number | undefined {
  // The name in parentheses may hold blanks; utime and stime are fields 14 and 15.
  const fields = proc(pid, "stat").split(") ").at(-1)?.split(" ") ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isFinite(ticks) ? ticks / TICKS_PER_S : undefined;
}

/** How many processors each of some processes keeps busy while `work` runs: `edge-http 0.97, nats 0.31`. */
export async function withUsage<T>(
  pids: Readonly<Record<string, number>>,
  work: () => Promise<T>,
): Promise<{ result: T; usage: string }> {
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, cpu: cpuSeconds(pid) }));
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const shares = before.flatMap(({ name, pid, cpu }) => {
    const now = cpuSeconds(pid);
    return cpu === undefined || now === undefined ? [] : [`${name} ${((now - cpu) / seconds).toFixed(2)}`];
  });
  return { result, usage: shares.length > 0 ? `processors busy: ${shares.join(", ")}` : "" };
}

function proc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
