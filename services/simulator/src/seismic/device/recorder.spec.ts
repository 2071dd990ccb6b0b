import { fromBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { expect, it } from "vitest";
import { FILE_MS, Recorder, SPACING_MS } from "./recorder.js";

const START = Date.UTC(2026, 4, 1);
const decode = (bytes: Uint8Array) => fromBinary(saf.DataRecordSchema, bytes);
const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));

it("records three axes at fifty samples a second, the same each time", () => {
  const recorder = new Recorder(7);
  const bytes = recorder.record(START, START + 10_000);
  const { datapointSpacing, streams } = decode(bytes);
  expect(datapointSpacing).toBe(SPACING_MS);
  expect(streams.map(({ values }) => values.length)).toEqual([500, 500, 500]);
  expect(recorder.record(START, START + 10_000)).toEqual(bytes);
  // A stretch is part of the one around it.
  const part = decode(recorder.record(START + 2_000, START + 4_000));
  expect(part.streams[1]?.values).toEqual(streams[1]?.values.slice(100, 200));
  expect(new Recorder(8).record(START, START + 10_000)).not.toEqual(bytes);
});

it("shows a wave from its arrival on, its first motion as it was picked, and then less and less of it", () => {
  const recorder = new Recorder(7);
  recorder.add({ time: START + 5_000, reading: [0.02, -0.01, 0.04] });
  const [north = [], , up = []] = decode(recorder.record(START, START + 60_000)).streams.map((s) => s.values);
  expect(largest(up.slice(0, 250))).toBeLessThan(0.0001);
  expect(up[250]).toBeCloseTo(0.04, 3);
  expect(north[250]).toBeCloseTo(0.02, 3);
  expect(largest(up.slice(251, 450))).toBeGreaterThan(0.02);
  expect(largest(up.slice(1_800))).toBeLessThan(0.0001);
});

it("puts no more into a file than the real stations do", () => {
  const { streams } = decode(new Recorder(7).record(START, START + 2 * FILE_MS));
  expect(streams[0]?.values).toHaveLength(FILE_MS / SPACING_MS);
});
