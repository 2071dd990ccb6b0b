import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { percentile } from "./statistics.js";

/** Milliseconds that an append of 4 KiB and its flush take. */
export interface FlushLatency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const BYTES = 4096;
const APPENDS = 300;
const LONGEST_MS = 10_000;

/** Measures appends of 4 KiB with fdatasync in the folder that will hold the logs. */
export async function flushLatency(folder: string): Promise<FlushLatency> {
  const file = join(folder, "flush-test");
  const handle = await open(file, "w");
  const block = Buffer.alloc(BYTES, 1);
  const taken: number[] = [];
  const end = performance.now() + LONGEST_MS;
  try {
    while (taken.length < APPENDS && (taken.length === 0 || performance.now() < end)) {
      const start = performance.now();
      await handle.write(block);
      await handle.datasync();
      taken.push(performance.now() - start);
    }
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
  taken.sort((a, b) => a - b);
  return { p50Ms: percentile(taken, 0.5), p99Ms: percentile(taken, 0.99) };
}
