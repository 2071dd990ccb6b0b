import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { atMost } from "../../uploads/body.js";
import { Refusal } from "../studio/refusal.js";
import { annotationsJson } from "./annotations.js";
import { wav } from "./documents.fixture.js";
import { storedName, withId } from "./file-name.js";
import { mediaTypeOf, wavOf } from "./media.js";
import { ingestionRefusals } from "./refusal.js";

describe("a file's name", () => {
  it.each([
    ["wave.01", "wave.01"],
    ["a/b\\c.wav", "c.wav"],
    ["..", "sample"],
    ["\u0000\n", "sample"],
    ["", "sample"],
    [" x ", "x"],
  ])("%j is stored as %j", (given, stored) => {
    expect(storedName(given)).toBe(stored);
  });

  it("gets an id before what says of what kind it is, and stays within what a name may have", () => {
    expect(withId("a.wav.b.wav", 1)).toMatch(/^a\.wav\.b\.1[0-9a-z]{5}\.wav$/);
    expect(withId("idle.01", 1)).toMatch(/^idle\.01\.1[0-9a-z]{5}$/);
    expect(withId(`${"x".repeat(300)}.wav`, Date.now()).length).toBeLessThan(256);
  });

  it("says of what kind it is, else the sender does, but never anything that a browser would run", () => {
    expect(mediaTypeOf("A.JPG", "text/html")).toBe("image/jpeg");
    expect(mediaTypeOf("blob", "Audio/WAV; rate=1")).toBe("audio/wav");
    for (const given of ["text/html", "image/svg+xml", "", "constructor"]) {
      expect(mediaTypeOf("x.constructor", given)).toBe("application/octet-stream");
    }
  });
});

it("what is said of a file is refused where it is nested more deeply than could be shown again", () => {
  const boxes = JSON.parse(`${"[".repeat(5_000)}${"]".repeat(5_000)}`) as unknown[];
  expect(() => annotationsJson({ boundingBoxes: boxes })).toThrow(Refusal);
  expect(annotationsJson({ boundingBoxes: [[{ label: "a" }]] })).toBe('{"boundingBoxes":[[{"label":"a"}]]}');
});

describe("a recording", () => {
  it("says how long it is, also where its writer did not know yet", () => {
    const bytes = wav(8_000, [1, 2, 3, 4, 5, 6], 2);
    expect(wavOf(bytes, bytes.length)).toEqual({ intervalMs: 0.125, values: 3, channels: 2 });
    bytes.writeUInt32LE(0xffffffff, 40);
    expect(wavOf(bytes, bytes.length)).toMatchObject({ values: 3 });
    expect(wavOf(bytes.subarray(0, 30), 30)).toBeUndefined();
  });

  it("of whatever bytes is one or is none, and has no more values than bytes", () => {
    const head = Buffer.from("RIFF\0\0\0\0WAVE");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (rest, formatted) => {
        const format = formatted ? wav(8_000, []).subarray(12, 36) : Buffer.alloc(0);
        const bytes = Buffer.concat([head, format, rest]);
        expect(wavOf(bytes, bytes.length)?.values ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });
});

it("no more passes than may", async () => {
  async function* content() {
    for (let i = 0; i < 3; i++) yield new Uint8Array(4);
  }
  const passed = async (most: number) => {
    let bytes = 0;
    for await (const chunk of atMost(content(), most, ingestionRefusals.tooLarge)) bytes += chunk.length;
    return bytes;
  };
  expect(await passed(12)).toBe(12);
  await expect(passed(11)).rejects.toMatchObject({ status: 413 });
});
