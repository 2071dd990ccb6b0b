import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { decode } from "cborg";
import { describe, expect, it } from "vitest";
import { readNotice } from "./notices.js";
import { NoRoom, sampleFrame } from "./sample-frame.js";

type Asked = MessageInitShape<typeof registry.SamplingRequestedSchema>;

const KEY = "fed53116f20684c067774ebf9e7bcbdc";
const fast = { name: "Accelerometer", maxSampleLengthS: 600, frequencies: [100] };
const board = { version: 3, connection: "ip", sensors: [fast] } as const;
const st = { version: 2, connection: undefined, sensors: [fast] } as const;
const asked = (more: Asked = {}) =>
  create(registry.SamplingRequestedSchema, {
    ...{ label: "wave", lengthMs: 10_000, intervalMs: 10, category: "training", sensor: "Accelerometer" },
    ...{ labelColor: "#fff", collectedSamples: 1, targetSamples: 9, ...more },
  });

describe("a request to sample", () => {
  it("has six keys for firmware, in their order, and no other (rule 4)", () => {
    const frame = sampleFrame(asked({ intervalMs: 62.5 }), KEY, "cbor", board) as Uint8Array;
    const { sample } = decode(frame);
    expect(Object.entries(sample)).toEqual([
      ["label", "wave"],
      ["length", 10_000],
      ["path", "/api/training/data"],
      ["hmacKey", KEY],
      ["interval", 62.5],
      ["sensor", "Accelerometer"],
    ]);
  });

  it("has what a screen shows besides for who speaks JSON", () => {
    expect(JSON.parse(sampleFrame(asked(), KEY, "json", board) as string)).toEqual({
      sample: {
        ...{ label: "wave", length: 10_000, path: "/api/training/data", hmacKey: KEY, interval: 10 },
        ...{ sensor: "Accelerometer", labelColor: "#fff", collectedSampleCount: 1, targetSampleCount: 9 },
      },
    });
  });

  it("names a sensor to who named some: the only one where it was not said which", () => {
    const sampleOf = (more: Asked, sensors: (typeof fast)[]) =>
      JSON.parse(sampleFrame(asked(more), KEY, "json", { ...board, sensors }) as string).sample.sensor;
    expect(sampleOf({ sensor: "" }, [fast])).toBe("Accelerometer");
    expect(sampleOf({}, [])).toBeUndefined();
  });

  it("fits into what firmware has room for (rule 5)", () => {
    const longest = { label: "l".repeat(127), sensor: "s".repeat(127) };
    expect(sampleFrame(asked(longest), KEY, "cbor", board).length).toBeLessThanOrEqual(512);
    expect(() => sampleFrame(asked({ label: "é".repeat(64) }), KEY, "cbor", board)).toThrow(
      "no label of more than 127",
    );
    expect(() => sampleFrame(asked({ sensor: "s".repeat(64) }), KEY, "cbor", st)).toThrow(
      "no sensor of more than 63",
    );
    expect(() => sampleFrame(asked({ label: "l".repeat(128) }), KEY, "cbor", board)).toThrow(NoRoom);
    expect(sampleFrame(asked({ label: "l".repeat(900) }), KEY, "json", board).length).toBeGreaterThan(900);
  });
});

describe("what a device tells of it", () => {
  it.each([
    [{ sample: true }, { step: "accepted" }],
    [
      { sample: false, error: "no sensor" },
      { step: "refused", error: "no sensor" },
    ],
    [
      { sample: false, err: "as documented" },
      { step: "refused", error: "as documented" },
    ],
    [{ sample: false }, { step: "refused", error: "the device did not say why" }],
    [
      { sample: false, error: 7 },
      { step: "refused", error: "the device did not say why" },
    ],
    [{ sampleStarted: true }, { step: "started" }],
    [{ sampleProcessing: true }, { step: "processing" }],
    [{ sampleReading: true }, { step: "reading" }],
    [
      { sampleReading: true, progressPercentage: 33 },
      { step: "reading", percent: 33 },
    ],
    [
      { sampleReading: true, progressPercentage: 1e9 },
      { step: "reading", percent: 100 },
    ],
    [{ sampleReading: true, progressPercentage: "33" }, { step: "reading" }],
    [{ sampleUploading: true }, { step: "uploading" }],
    [{ sampleFinished: true }, { step: "finished" }],
    [{ sample: "yes" }, undefined],
    [{ sampleStarted: false }, undefined],
  ])("is %j", (message, notice) => {
    expect(readNotice(message, 3)).toEqual(notice);
  });

  it("has no percentage up to version 2", () => {
    expect(readNotice({ sampleReading: true, progressPercentage: 33 }, 2)).toEqual({ step: "reading" });
  });
});
