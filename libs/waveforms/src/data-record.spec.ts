import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { limits, saf } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeDataRecord, InvalidWaveform } from "./data-record.js";
import { GOLDEN, recordOf, tenMinutes } from "./record.fixture.js";

/** What the generated code makes of it. */
function generated(data: Uint8Array) {
  const { datapointSpacing, streams } = fromBinary(saf.DataRecordSchema, data);
  return { spacingMs: datapointSpacing, streams: streams.map(({ values }) => Float64Array.from(values)) };
}

const detailOf = (data: Uint8Array) => {
  try {
    return decodeDataRecord(data);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidWaveform);
    return (error as InvalidWaveform).detail;
  }
};

describe("a data record", () => {
  it("is read from the bytes that the protocol's tables prescribe", () => {
    expect(decodeDataRecord(GOLDEN)).toEqual({
      spacingMs: 20,
      streams: [Float64Array.of(1, -0.5), Float64Array.of(2.5), Float64Array.of()],
      locations: [{ offset: 5, latitude: 35, longitude: -118 }],
    });
  });

  it("is read as the generated code reads it", () => {
    const values = fc.array(fc.double(), { maxLength: 50 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        fc.array(values, { maxLength: 5 }),
        (spacing, streams) => {
          const data = recordOf(spacing, streams);
          expect(decodeDataRecord(data)).toEqual({ ...generated(data), locations: [] });
        },
      ),
    );
  });

  it("is read when its samples are not packed, and when there are fields that nobody knows", () => {
    const one = Buffer.from("09000000000000f03f", "hex");
    const packed = Buffer.from("0a080000000000000040", "hex");
    const unknown = Buffer.from("5203616263", "hex");
    const inner = Buffer.concat([one, unknown, packed, one]);
    const data = Buffer.concat([Buffer.from([0x08, 10, 0x12, inner.length]), inner, unknown]);
    expect(decodeDataRecord(data).streams).toEqual([Float64Array.of(1, 2, 1)]);
    expect(decodeDataRecord(data)).toMatchObject(generated(data));
  });

  it("of ten minutes is as large as the reference says, and is read whole", () => {
    const data = recordOf(20, tenMinutes());
    expect(data.length).toBeGreaterThan(720_000);
    expect(data.length).toBeLessThan(720_100);
    expect(decodeDataRecord(data).streams.map(({ length }) => length)).toEqual([30_000, 30_000, 30_000]);
  });

  it("is refused with what is wrong with it", () => {
    expect(detailOf(recordOf(0, [[1]]))).toBe("does not say how far apart its samples are");
    expect(detailOf(new Uint8Array())).toBe("does not say how far apart its samples are");
    expect(detailOf(recordOf(20, Array(65).fill([1])))).toBe("has more than 64 streams");
    expect(detailOf(Buffer.from("08141203 0a0100".replace(" ", ""), "hex"))).toBe(
      "ends in the middle of a sample",
    );
    expect(detailOf(GOLDEN.subarray(0, 25))).toBe("cannot be decoded");
    expect(detailOf(new Uint8Array(limits.waveformBytes + 1))).toMatch(/^has \d+ bytes, more than/);
    const halfPlace = create(saf.DataRecordSchema, {
      datapointSpacing: 20,
      locations: { timeOffsets: [1, 2], latitudes: [3], longitudes: [4, 5] },
    });
    expect(detailOf(toBinary(saf.DataRecordSchema, halfPlace))).toBe("has locations that are not complete");
  });

  it("may be any bytes: they are read or refused, never anything else", () => {
    const good = fc.constant([...GOLDEN]);
    const edits = fc.array(
      fc.record({ at: fc.nat(80), remove: fc.nat(4), insert: fc.array(fc.nat(255), { maxLength: 4 }) }),
      { maxLength: 4 },
    );
    const mutated = fc.tuple(good, edits).map(([original, changes]) => {
      const bytes: number[] = [...original];
      for (const { at, remove, insert } of changes) bytes.splice(at, remove, ...insert);
      return Uint8Array.from(bytes);
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (data) => void detailOf(data)),
      { numRuns: 10_000 },
    );
  });

  it("is done soon with what is as large as it may be and made to be slow", () => {
    const repeated = (...part: number[]) => {
      const data = new Uint8Array(limits.waveformBytes);
      for (let i = 0; i < data.length; i++) data[i] = part[i % part.length] as number;
      return data;
    };
    for (const data of [
      repeated(0x12, 0),
      repeated(0x1a, 0),
      repeated(0x08, 1),
      repeated(0xff),
      repeated(0x52, 0),
    ]) {
      const started = performance.now();
      detailOf(data);
      expect(performance.now() - started).toBeLessThan(3_000);
    }
  });
});
