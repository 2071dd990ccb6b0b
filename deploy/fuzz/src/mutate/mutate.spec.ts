import { decode, encode } from "cborg";
import { describe, expect, it } from "vitest";
import { Chance } from "../chance.js";
import type { Shape } from "../target.js";
import { grown } from "./bytes.js";
import { mutate } from "./mutate.js";

/** How many of a thousand inputs that are made of the seed are still well-formed. */
function wellFormed(shape: Shape, seed: Uint8Array, check: (input: Uint8Array) => unknown): number {
  const chance = new Chance(1);
  let count = 0;
  for (let i = 0; i < 1_000; i++) {
    try {
      check(mutate(chance, seed, { words: [], other: seed }, { shape, mostBytes: 1_000_000 }));
      count++;
    } catch {
      // Some are to be no such thing.
    }
  }
  return count;
}

describe("inputs made of one that is well-formed", () => {
  it("are so mostly, but not always, if they are JSON", () => {
    const seed = Buffer.from('{"a":[1,{"b":"c"}],"d":null}');
    const count = wellFormed("json", seed, (input) => JSON.parse(Buffer.from(input).toString()));
    expect(count).toBeGreaterThan(600);
    expect(count).toBeLessThan(1_000);
  });

  it("are so mostly if they are CBOR", () => {
    const seed = encode({ a: [1, { b: "c" }], d: null });
    expect(wellFormed("cbor", seed, (input) => decode(input))).toBeGreaterThan(400);
  });

  it("have right lengths mostly if they are protobuf", () => {
    // { 1: "ab", 2: { 1: "c" } }
    const seed = Buffer.from("0a02616212030a0163", "hex");
    const lengths = (input: Uint8Array) => {
      for (let at = 0; at < input.length; ) {
        if (((input[at] ?? 0) & 7) !== 2) throw new Error("another wire type");
        at += 2 + (input[at + 1] ?? 0);
        if (at > input.length) throw new Error("a field that is longer than the message");
      }
    };
    expect(wellFormed("protobuf", seed, lengths)).toBeGreaterThan(400);
  });
});

it("a large input is as large as it may be, and no larger", () => {
  const chance = new Chance(1);
  const sizes = Array.from({ length: 200 }, () => grown(chance, Buffer.from("a,b,c"), 100_000).length);
  expect(Math.max(...sizes)).toBeGreaterThan(90_000);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100_000);
});
