import { create, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";

/** Byte by byte, from the protocol's tables (A5): 20 ms; streams of two, of one, and of no sample; a location. */
export const GOLDEN = Buffer.from(
  [
    "0814", // datapoint_spacing: 20
    "1212 0a10 000000000000f03f 000000000000e0bf", // 1, -0.5
    "120a 0a08 0000000000000440", // 2.5
    "1200", // nothing
    "1a17 0a01 05 1208 0000000000804140 1a08 0000000000805dc0", // from 5 on: 35, -118
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

/** A record as the reference client writes one. */
export function recordOf(spacing: number, streams: readonly (readonly number[])[]): Uint8Array {
  const record = create(saf.DataRecordSchema, {
    datapointSpacing: spacing,
    streams: streams.map((values) => ({ values: [...values] })),
  });
  return toBinary(saf.DataRecordSchema, record);
}

/** Ten minutes of three axes at 50 samples a second, with one spike of a single sample on each. */
export function tenMinutes(): number[][] {
  return [0, 1, 2].map((axis) =>
    Array.from({ length: 30_000 }, (_, at) => {
      const quiet = 0.001 * Math.sin(at / (7 + axis)) + (axis === 2 ? 1 : 0);
      return at === 10_000 * axis + 4_321 ? quiet + 0.25 : quiet;
    }),
  );
}
