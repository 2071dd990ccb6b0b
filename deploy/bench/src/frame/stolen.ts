import { readFileSync } from "node:fs";

/**
 * Begins to watch the processors; what it returns tells which share of their time (0 to 1) the host has given to others
 * since then, while something here wanted it. Undefined where the system does not tell (only Linux does).
 */
export function watchStolen(): () => number | undefined {
  const before = processorTimes();
  return () => {
    const now = processorTimes();
    if (before === undefined || now === undefined || now.all === before.all) return undefined;
    return (now.stolen - before.stolen) / (now.all - before.all);
  };
}

/** `23 %` */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

interface Times {
  readonly all: number;
  readonly stolen: number;
}

function processorTimes(): Times | undefined {
  try {
    return timesOf(readFileSync("/proc/stat", "utf8"));
  } catch {
    return undefined;
  }
}

/** Of all processors, in ticks since the start; undefined: it does not say. proc(5), "cpu". */
export function timesOf(stat: string): Times | undefined {
  const line = /^cpu +(.+)$/m.exec(stat)?.[1];
  // The two after the eighth, of guests, are in the first two already.
  const times = line?.split(" ").slice(0, 8).map(Number) ?? [];
  const [stolen] = times.slice(7);
  return stolen === undefined ? undefined : { all: times.reduce((sum, each) => sum + each, 0), stolen };
}
