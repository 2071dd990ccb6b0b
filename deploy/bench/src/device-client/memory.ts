import { readFileSync } from "node:fs";

const KIB_PER_MIB = 1_024;

/** MiB of a process. */
export interface Memory {
  readonly resident: number;
  /** What it has alone: without the pages of files, such as of Node's binary, which others share. */
  readonly own: number;
}

/** Undefined where the system does not tell (only Linux does). */
export function memoryOf(pid: number): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]);
    const [resident, own] = [kib("VmRSS") / KIB_PER_MIB, kib("RssAnon") / KIB_PER_MIB];
    return Number.isNaN(own) ? undefined : { resident, own };
  } catch {
    return undefined;
  }
}
