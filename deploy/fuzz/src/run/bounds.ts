import { getHeapStatistics } from "node:v8";

/** Milliseconds of one input: for code that runs for the first time, and for each byte. */
const START_MS = 60;
const MS_PER_BYTE = 0.002;
/** Bytes that one input may take: for what is made once, and for each of its bytes. */
const START_BYTES = 48 * 1024 * 1024;
const BYTES_PER_BYTE = 256;
/** Milliseconds after which an input is said not to end. */
export const ENDLESS_MS = 10_000;
/** What else runs on the machine, or a collection of garbage, does not take long each time. */
const TRIES = 3;

/** The time or the memory that an input takes is out of proportion to its size. */
export class OutOfBounds extends Error {
  override readonly name = "OutOfBounds";
}

/** An input as it begins. */
export interface Begun {
  readonly at: number;
  readonly memory: number;
}

export function begin(): Begun {
  return { at: performance.now(), memory: memory() };
}

/** Whether it took no more than an input of so many bytes may. */
export function isWithin({ at, memory: before }: Begun, bytes: number): boolean {
  return (
    performance.now() - at <= START_MS + bytes * MS_PER_BYTE &&
    memory() - before <= START_BYTES + bytes * BYTES_PER_BYTE
  );
}

/** Runs it again some times. Raises {@link OutOfBounds} if it is never within its bounds. */
export async function confirm(run: () => unknown, bytes: number): Promise<void> {
  let [leastMs, leastMemory] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let tries = 0; tries < TRIES; tries++) {
    const [cpu, before] = [cpuUsage(), memory()];
    await run();
    const { user, system } = cpuUsage(cpu);
    leastMs = Math.min(leastMs, (user + system) / 1_000);
    leastMemory = Math.min(leastMemory, memory() - before);
  }
  if (leastMs > START_MS + bytes * MS_PER_BYTE) {
    throw new OutOfBounds(`takes ${Math.round(leastMs)} ms of CPU for ${bytes} bytes`);
  }
  if (leastMemory > START_BYTES + bytes * BYTES_PER_BYTE) {
    throw new OutOfBounds(`takes ${Math.round(leastMemory / 1024 / 1024)} MiB for ${bytes} bytes`);
  }
}

/** Of this thread, where Node tells it (since 23.9): others in this process are not the input's. */
function cpuUsage(since?: NodeJS.CpuUsage): NodeJS.CpuUsage {
  const { threadCpuUsage = process.cpuUsage } = process as Partial<NodeJS.Process>;
  return threadCpuUsage.call(process, since);
}

function memory(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
