import { afterEach, describe, expect, it } from "vitest";
import type { Target } from "../target.js";
import { attempt } from "./attempt.js";
import { OutOfBounds } from "./bounds.js";
import { Coverage } from "./coverage.js";
import { fuzz } from "./fuzz.js";

const target = (run: Target["run"], seeds = ["seed"]): Target => ({
  ...{ name: "planted", shape: "text", mostBytes: 1024, run },
  seeds: seeds.map((seed) => Buffer.from(seed)),
});

/** Fails where only one comes who is led there, a letter after another. */
function hidden(input: Uint8Array): boolean {
  const text = Buffer.from(input).toString();
  if (text.includes("<")) {
    if (text.includes("<~")) {
      if (text.includes("<~?")) throw new TypeError("planted");
    }
  }
  return true;
}

const open: Coverage[] = [];
afterEach(() => {
  for (const coverage of open.splice(0)) coverage.end();
});

describe("a search", () => {
  it("is led by what code its inputs reach, and tells of the shortest input that fails", async () => {
    const coverage = new Coverage((url) => url.includes("fuzz.spec"));
    open.push(coverage);
    const found = new AbortController();
    const onFinding = () => found.abort();
    const led = { ...target(hidden), words: ["<", "~", "?"] };
    const { findings } = await fuzz(led, { seed: 1, ms: 15_000, coverage, signal: found.signal, onFinding });
    expect(findings.map(({ input }) => Buffer.from(input).toString())).toEqual(["<~?"]);
    expect(findings[0]?.error).toBeInstanceOf(TypeError);
  });

  it("of the same seed is the same", async () => {
    const inputsOf = async (seed: number) => {
      const seen: string[] = [];
      const run = (input: Uint8Array) => {
        const hex = Buffer.from(input).toString("hex");
        // On a busy machine one or the other is tried again.
        if (seen.at(-1) !== hex) seen.push(hex);
        return true;
      };
      await fuzz(target(run, ["seed", "other"]), { seed, ms: 60_000, inputs: 300 });
      return seen;
    };
    const first = await inputsOf(7);
    expect(await inputsOf(7)).toEqual(first);
    expect(await inputsOf(8)).not.toEqual(first);
  });

  it("finds what takes long for its size, and what keeps much", async () => {
    const slow = (input: Uint8Array) => {
      let sum = 0;
      for (let i = 0; i < input.length * 1_000_000; i++) sum = (sum + i) | 0;
      return sum !== 1;
    };
    const kept: Uint8Array[] = [];
    const large = () => kept.push(new Uint8Array(100 * 1024 * 1024)) > 0;
    for (const run of [slow, large]) {
      const { failure } = await attempt(target(run), [new Uint8Array(200)]);
      expect(failure?.error).toBeInstanceOf(OutOfBounds);
    }
    kept.length = 0;
  });

  it("ends what does not end, whether it returns at once or later, and goes on with what comes after", async () => {
    const loop = (input: Uint8Array) => {
      while (input.length === 3);
      return true;
    };
    const never = (input: Uint8Array) =>
      input.length === 3 ? new Promise<boolean>(() => undefined) : Promise.resolve(true);
    for (const run of [loop, never]) {
      const inputs = [2, 3, 4].map((length) => new Uint8Array(length));
      const { ran, taken, failure } = await attempt(target(run), inputs, 200);
      expect([ran, taken]).toEqual([2, 1]);
      expect(failure?.error).toBeInstanceOf(OutOfBounds);
      expect(await attempt(target(run), inputs.slice(2))).toEqual({ ran: 1, taken: 1 });
    }
  });

  it("goes on behind a failure, and tells of each once", async () => {
    const run = (input: Uint8Array) => {
      if (input.length % 2 === 1) throw new RangeError("odd");
      return true;
    };
    const { inputs, findings } = await fuzz(target(run), { seed: 1, ms: 60_000, inputs: 500 });
    expect(inputs).toBeGreaterThanOrEqual(500);
    expect(findings.map(({ input }) => input.length)).toEqual([1]);
  });
});
