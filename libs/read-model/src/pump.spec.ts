import { SIGNALS } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { expect, it } from "vitest";
import type { Applier } from "./apply.js";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";
import { pump } from "./pump.js";
import type { WritingSession } from "./session.js";

/** Each commit's data tells how many records it has. */
const definition: ReadModelDefinition<number> = {
  ...{ name: "counted", version: 1, stream: SIGNALS, tables: [] },
  create: async () => undefined,
  apply: async () => undefined,
  decode: ({ sequence, time, data }) =>
    Array.from({ length: Buffer.from(data).readUInt32BE() }, (_, value) => {
      return { namespace: "n", key: "k", position: sequence * 4096, time, value };
    }),
};

/** The pause after a pull of one commit with so many records and bytes. */
async function pauseAfter(records: number, bytes = 4): Promise<number> {
  const data = Buffer.alloc(bytes);
  data.writeUInt32BE(records);
  const commit: Commit = { stream: SIGNALS, sequence: 1, subject: "signals.n", time: new Date(0), data };
  const ending = new AbortController();
  const log: ReadableLog = {
    lastSequence: async () => 1,
    async *read() {
      yield [commit];
      await new Promise((resolve) => ending.signal.addEventListener("abort", resolve));
    },
  };
  const paused: number[] = [];
  await pump({
    ...{ log, definition, signal: ending.signal },
    session: { turns: { take: (work: () => unknown) => work() } } as unknown as WritingSession,
    applier: () => ({ sequence: 0, apply: async () => undefined }) as unknown as Applier<number>,
    onApplied: () => setImmediate(() => ending.abort()),
    pause: async (ms) => void paused.push(ms),
  });
  return paused[0] ?? 0;
}

it("pauses for longer on a busy line, so that its transactions are larger, and not at all in a backlog", async () => {
  expect(await pauseAfter(63)).toBeLessThanOrEqual(25);
  expect(await pauseAfter(63)).toBeGreaterThan(0);
  expect(await pauseAfter(64)).toBeGreaterThan(25);
  expect(await pauseAfter(64)).toBeLessThanOrEqual(100);
  expect(await pauseAfter(5_000)).toBe(0);
  expect(await pauseAfter(64, 3 * 1024 * 1024)).toBe(0);
});
