import { describe, expect, it } from "vitest";
import { corpusOf } from "./corpus.js";
import { fuzz } from "./run/fuzz.js";
import { targets } from "./targets/targets.js";

/** Of one target; of all of them together 5 s. `npm run fuzz` takes as long as it is given. */
const MS = 75;
const INPUTS = 2_000;

describe("a decoder of what others send", () => {
  it.each(targets)("$name takes or refuses whatever it is given, in time", async (target) => {
    const [first] = target.seeds;
    expect(await target.run(first as Uint8Array)).toBe(true);
    const corpus = await corpusOf(target.name);
    const { findings, inputs } = await fuzz(target, { seed: 1, ms: MS, inputs: INPUTS, corpus });
    const found = findings.map(({ key, input }) => ({ key, base64: Buffer.from(input).toString("base64") }));
    expect(found).toEqual([]);
    expect(inputs).toBeGreaterThanOrEqual(target.seeds.length);
  });

  it("has a name of its own", () => {
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
  });
});
