import { SIGNALS } from "@fieldlog/contracts";
import type { Commit } from "@fieldlog/event-log";
import { describe, expect, it } from "vitest";
import type { ReadableLog, ReadModelDefinition } from "./definition.js";
import { ReadModelStopped } from "./failures.js";
import { Intake, PULL_RECORDS } from "./intake.js";

/** Each commit's data tells how many records it has; 255 cannot be decoded. */
const definition: ReadModelDefinition<number> = {
  ...{ name: "counted", version: 1, stream: SIGNALS, tables: [] },
  create: async () => undefined,
  apply: async () => undefined,
  decode(commit) {
    const count = (commit.data[0] ?? 0) * 1_000;
    if (count === 255_000) throw new Error("not a number of records");
    const { sequence, time } = commit;
    return Array.from({ length: count }, (_, i) => ({
      namespace: "n",
      key: "k",
      position: sequence * 4096,
      time,
      value: i,
    }));
  },
};

const commit = (sequence: number, data: number[] = [1]): Commit => {
  return { stream: SIGNALS, sequence, subject: "signals.n", time: new Date(0), data: Uint8Array.from(data) };
};

function intake(pulls: Commit[][], after = 0) {
  const ending = new AbortController();
  const read: number[] = [];
  const log: ReadableLog = {
    lastSequence: async () => 0,
    async *read(_, { signal }) {
      for (const pull of pulls) {
        read.push(...pull.map((one) => one.sequence));
        yield pull;
      }
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    },
  };
  return { intake: new Intake({ log, definition, after, signal: ending.signal }), ending, read };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
const sequences = (pull: { commit: Commit }[]) => pull.map((one) => one.commit.sequence);

describe("the intake", () => {
  it("gives a lone commit at once", async () => {
    const { intake: one } = intake([[commit(1)]]);
    expect(sequences(await one.next())).toEqual([1]);
  });

  it("joins what has arrived, up to the bound of a transaction", async () => {
    const { intake: many } = intake([[commit(1)], Array.from({ length: 11 }, (_, i) => commit(i + 2))]);
    await settled();
    expect(sequences(await many.next())).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(sequences(await many.next())).toEqual([9, 10, 11, 12]);
  });

  it("gives a commit that is over the bound alone", async () => {
    const { intake: large } = intake([[commit(1, [9]), commit(2)]]);
    await settled();
    expect(sequences(await large.next())).toEqual([1]);
  });

  it("reads no further ahead than is decoded for two transactions", async () => {
    const { intake: ahead, read } = intake(Array.from({ length: 40 }, (_, i) => [commit(i + 1)]));
    await settled();
    expect(read.length * 1_000).toBeLessThan(3 * PULL_RECORDS);
    const before = read.length;
    await ahead.next();
    await settled();
    expect(read.length).toBeGreaterThan(before);
  });

  it("hands on a commit that cannot be decoded, with the reason", async () => {
    const { intake: bad } = intake([[commit(1, [255]), commit(2)]]);
    await settled();
    const pull = await bad.next();
    expect(pull.map((one) => [one.records.length, one.undecodable])).toEqual([
      [0, "not a number of records"],
      [1_000, undefined],
    ]);
  });

  it("stops at a missing sequence, after what came before it", async () => {
    const { intake: holed } = intake([[commit(5), commit(7)]], 4);
    await settled();
    expect(sequences(await holed.next())).toEqual([5]);
    await expect(holed.next()).rejects.toThrow(ReadModelStopped);
  });

  it("ends with the signal", async () => {
    const { intake: idle, ending } = intake([]);
    const next = idle.next();
    ending.abort();
    expect(await next).toEqual([]);
  });
});
