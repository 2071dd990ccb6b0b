import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NoRecord, readRecord } from "./record.js";

const SEEN = { result: {}, timing: {} };
const right = { impulseRecord: SEEN, index: 0, timestamp: 1.5 };

describe("a record", () => {
  it("is what has a number, a time, and what was seen", () => {
    expect(readRecord(right)).toEqual({ index: 0, timestamp: 1.5, seen: SEEN, rawData: undefined });
    const { impulseRecord: record, ...rest } = right;
    const rawData = { type: "jpg", bufferBase64: "AQI=" };
    expect(readRecord({ ...rest, record, rawData })).toMatchObject({
      rawData: { type: "jpg", base64: "AQI=", bytes: Buffer.from([1, 2]) },
    });
  });

  it.each([
    { index: -1 },
    { index: 1.5 },
    { index: "1" },
    { timestamp: Number.POSITIVE_INFINITY },
    { timestamp: undefined },
    { impulseRecord: null },
    { impulseRecord: [] },
    { impulseRecord: "x" },
    { rawData: 7 },
    { rawData: { type: "../x", bufferBase64: "" } },
    { rawData: { type: "jpg" } },
    { rawData: { type: "jpg", bufferBase64: "*" } },
  ])("is not what has %j", (wrong) => {
    expect(() => readRecord({ ...right, ...wrong })).toThrow(NoRecord);
  });

  it("is nothing that crashes, whatever is sent", () => {
    const anyRecord = fc.record({
      ...{ impulseRecord: fc.anything(), record: fc.anything(), index: fc.anything() },
      ...{ timestamp: fc.anything(), rawData: fc.anything() },
    });
    fc.assert(
      fc.property(anyRecord, (message) => {
        try {
          readRecord(message);
        } catch (error) {
          expect(error).toBeInstanceOf(NoRecord);
        }
      }),
    );
  });
});
