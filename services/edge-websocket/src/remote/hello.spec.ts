import { describe, expect, it } from "vitest";
import { HelloRefused, readHello } from "./hello.js";

const who = { apiKey: "ei_1", deviceId: "15:FE", deviceType: "BOARD", connection: "daemon" };
const fast = { name: "Accelerometer", maxSampleLengthS: 600, frequencies: [100, 62.5] };
const camera = { name: "Camera (320x240)", maxSampleLengthS: 60_000, frequencies: [] };
const v2 = { version: 2, ...who, sensors: [fast] };
const v3 = { ...v2, version: 3, supportsSnapshotStreaming: true, sensors: [camera, fast] };
const read = (hello: unknown) => readHello({ hello });

describe("a hello", () => {
  it("of version 1 names its sensors only, and gets what is known of them", () => {
    const sensors = ["Built-in accelerometer", "Built-in microphone", "Thermometer", "Thermometer"];
    expect(read({ version: 1, ...who, sensors })).toEqual({
      ...{
        version: 1,
        ...who,
        supportsSnapshotStreaming: false,
        mode: "ingestion",
        inferenceInfo: undefined,
      },
      sensors: [
        { name: "Built-in accelerometer", maxSampleLengthS: 300, frequencies: [62.5, 100] },
        { name: "Built-in microphone", maxSampleLengthS: 60, frequencies: [16_000] },
        { name: "Thermometer", maxSampleLengthS: 60, frequencies: [100] },
      ],
    });
    expect(read({ version: 1, ...who }).sensors).toEqual([]);
    expect(read({ version: 1, ...who, sensors: ["constructor"] }).sensors[0]).toMatchObject({
      frequencies: [100],
    });
  });

  it("of version 2 may leave out its connection, as the firmware of ST does, and has no snapshots", () => {
    const { connection: _, ...st } = { ...v2, supportsSnapshotStreaming: true };
    expect(read(st)).toMatchObject({
      connection: undefined,
      sensors: [fast],
      supportsSnapshotStreaming: false,
    });
  });

  it("of version 3 has snapshots, and a camera without frequencies", () => {
    expect(read(v3)).toMatchObject({ sensors: [camera, fast], supportsSnapshotStreaming: true });
    expect(read({ ...v3, mode: "inference" })).toMatchObject({ mode: "ingestion" });
    const phone = {
      ...v3,
      sensors: [
        { ...camera, name: "Camera" },
        { ...camera, name: "Video (1x1)" },
      ],
    };
    expect(read(phone).sensors).toHaveLength(2);
  });

  it("of version 4 says whether it trains or infers, and with what", () => {
    const inferenceInfo = { projectId: 1, deploymentVersion: 3, modelType: "classification" };
    expect(read({ ...v3, version: 4, mode: "ingestion" })).toMatchObject({ mode: "ingestion" });
    const infers = read({ ...v3, version: 4, mode: "inference", inferenceInfo });
    expect(infers.mode).toBe("inference");
    expect(JSON.parse(infers.inferenceInfo ?? "")).toEqual(inferenceInfo);
    const availableRecords = { firstIndex: 1, firstTimestamp: 5, lastIndex: 2, lastTimestamp: 6 };
    const none = { firstIndex: 0, firstTimestamp: 0, lastIndex: 0, lastTimestamp: 0 };
    const keeps = (records: unknown) =>
      read({ ...v3, version: 4, mode: "inference", inferenceInfo, availableRecords: records })
        .availableRecords;
    expect([availableRecords, none, undefined, "nonsense", { firstIndex: 1 }].map(keeps)).toEqual([
      availableRecords,
      ...Array.from({ length: 4 }, () => undefined),
    ]);
  });

  it("has its keys in any order, unknown ones among them, and a type that may be no text", () => {
    expect(read({ later: {}, ...v3, authorization: "x", deviceType: {} })).toMatchObject({ deviceType: "" });
  });

  it.each([
    [undefined, "hello: must be a map"],
    [true, "hello: must be a map"],
    [[], "hello: must be a map"],
    [{ ...v3, version: 5 }, "hello.version"],
    [{ ...v3, version: "3" }, "hello.version"],
    [{ ...v3, apiKey: undefined }, "hello.apiKey"],
    [{ ...v3, deviceId: "" }, "hello.deviceId"],
    [{ ...v3, deviceId: "x".repeat(201) }, "hello.deviceId"],
    [{ ...v3, deviceId: "a\u0000" }, "hello.deviceId"],
    [{ ...v3, deviceId: ".." }, "hello.deviceId"],
    [{ ...v3, sensors: undefined }, "hello.sensors"],
    [{ ...v3, sensors: ["Accelerometer"] }, "hello.sensors.0"],
    [{ ...v3, sensors: [{ ...fast, frequencies: [] }] }, "sensor frequencies has length of zero"],
    [{ ...v3, sensors: [{ ...fast, frequencies: [0] }] }, "hello.sensors.0.frequencies.0"],
    [{ ...v3, sensors: [{ ...fast, frequencies: [Number.NaN] }] }, "hello.sensors.0.frequencies.0"],
    [{ ...v3, sensors: [{ ...fast, maxSampleLengthS: -1 }] }, "hello.sensors.0.maxSampleLengthS"],
    [{ ...v3, sensors: Array(65).fill(fast) }, "hello.sensors"],
    [{ ...v3, supportsSnapshotStreaming: 1 }, "hello.supportsSnapshotStreaming"],
    [{ ...v3, version: 4, mode: "dance" }, "hello.mode"],
    [
      { ...v3, version: 4, mode: "inference", inferenceInfo: { a: "x".repeat(5_000) } },
      "hello.inferenceInfo",
    ],
  ])("is refused where it is wrong: %j", (hello, said) => {
    expect(() => read(hello)).toThrow(HelloRefused);
    expect(() => read(hello)).toThrow(said);
  });
});
