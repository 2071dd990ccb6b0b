import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeDataRecord } from "./data-record.js";
import { envelopeOf } from "./envelope.js";
import { GOLDEN, recordOf, tenMinutes } from "./record.fixture.js";
import { summaryOf, type Waveform } from "./waveform.js";
import { waveformCsv } from "./waveform-csv.js";
import { waveformJson } from "./waveform-json.js";
import { waveformSvg } from "./waveform-svg.js";

const START = Date.parse("2026-05-01T12:00:00Z");
const about = { sensorType: "accelerometer-3-axis", start: START };
const golden = decodeDataRecord(GOLDEN);
const whole = (pieces: Iterable<string>) => [...pieces].join("");

const anyWaveform: fc.Arbitrary<Waveform> = fc.record({
  spacingMs: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  streams: fc.array(fc.float64Array({ maxLength: 40 }), { maxLength: 4 }),
  locations: fc.constant([]),
});
const anyAbout = fc.record({
  sensorType: fc.oneof(fc.constant("accelerometer-3-axis"), fc.string({ unit: "binary" })),
  start: fc.option(fc.maxSafeInteger(), { nil: undefined }),
});

describe("a waveform as JSON", () => {
  it("has times, names, units, what is least, greatest and mean, and the samples", () => {
    expect(JSON.parse(whole(waveformJson(golden, about, true)))).toEqual({
      ...{ spacingMs: 20, start: "2026-05-01T12:00:00.000Z", end: "2026-05-01T12:00:00.040Z" },
      locations: [{ offset: 5, latitude: 35, longitude: -118 }],
      streams: [
        { name: "N", unit: "g", count: 2, min: -0.5, max: 1, mean: 0.25, samples: [1, -0.5] },
        { name: "E", unit: "g", count: 1, min: 2.5, max: 2.5, mean: 2.5, samples: [2.5] },
        { name: "Z", unit: "g", count: 0, min: null, max: null, mean: null, samples: [] },
      ],
    });
  });

  it("is JSON whatever the samples are, and holds each of them", () => {
    fc.assert(
      fc.property(anyWaveform, anyAbout, (waveform, known) => {
        const { streams } = JSON.parse(whole(waveformJson(waveform, known, true)));
        expect(streams).toHaveLength(waveform.streams.length);
        for (const [index, samples] of waveform.streams.entries()) {
          const told = [...samples].map((sample) => (Number.isFinite(sample) ? sample + 0 : null));
          expect(streams[index].samples).toEqual(told);
        }
        const { streams: without } = JSON.parse(whole(waveformJson(waveform, known, false)));
        expect(without).toEqual(streams.map(({ samples: _, ...rest }: { samples: unknown }) => rest));
      }),
    );
  });
});

describe("a summary", () => {
  it("is of the samples that are numbers, and stays within them however large they are", () => {
    expect(summaryOf(Float64Array.of(1, Number.NaN, 3))).toEqual({ count: 3, min: 1, max: 3, mean: 2 });
    fc.assert(
      fc.property(fc.float64Array(), (samples) => {
        const { min, max, mean } = summaryOf(samples);
        if (min === null || max === null || mean === null) return;
        expect(mean).toBeGreaterThanOrEqual(min);
        expect(mean).toBeLessThanOrEqual(max);
      }),
    );
  });
});

describe("a waveform as CSV", () => {
  it("has a row for each moment, and nothing where there is no sample", () => {
    expect(whole(waveformCsv(golden, about))).toBe(
      [
        "time,N (g),E (g),Z (g)",
        "2026-05-01T12:00:00.000Z,1,2.5,",
        "2026-05-01T12:00:00.020Z,-0.5,,",
        "",
      ].join("\r\n"),
    );
    expect(whole(waveformCsv(golden, { sensorType: "", start: undefined }))).toBe(
      "seconds,stream 1,stream 2,stream 3\r\n0,1,2.5,\r\n0.02,-0.5,,\r\n",
    );
  });

  it("has as many cells in each row, and gives back the samples", () => {
    fc.assert(
      fc.property(anyWaveform, anyAbout, (waveform, known) => {
        const rows = whole(waveformCsv(waveform, known)).split("\r\n").slice(1, -1);
        expect(rows).toHaveLength(Math.max(0, ...waveform.streams.map(({ length }) => length)));
        for (const [at, row] of rows.entries()) {
          const [, ...cells] = row.split(",");
          expect(cells).toHaveLength(waveform.streams.length);
          for (const [index, cell] of cells.entries()) {
            const sample = waveform.streams[index]?.[at] ?? Number.NaN;
            expect(cell === "" ? undefined : Number(cell)).toBe(
              Number.isFinite(sample) ? sample + 0 : undefined,
            );
          }
        }
      }),
    );
  });
});

describe("a waveform as a plot", () => {
  const minutes = decodeDataRecord(recordOf(20, tenMinutes()));

  it("is a small SVG with title, axes and units, ten minutes of three axes too", () => {
    const svg = waveformSvg(minutes, about, "device 7, sensor 0");
    expect(svg.length).toBeLessThan(100_000);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 960 \d+"/);
    for (const part of [
      "<title>device 7, sensor 0</title>",
      ">N (g)<",
      ">E (g)<",
      ">Z (g)<",
      ">time (UTC)<",
    ]) {
      expect(svg).toContain(part);
    }
    expect(svg).toContain("accelerometer-3-axis, 600 s, 50 samples/s, from 2026-05-01T12:00:00.000Z");
    for (const tick of ["12:00", "12:05", "12:10"]) expect(svg).toContain(`>${tick}<`);
    expect(svg.match(/<g data-stream/g)).toHaveLength(3);
  });

  it("keeps the peak of a single sample among thirty thousand", () => {
    const [north] = minutes.streams as [Float64Array];
    const extents = envelopeOf(north, 600);
    expect(extents).toHaveLength(600);
    expect(Math.max(...extents.map(({ max }) => max))).toBe(summaryOf(north).max);
    expect(Math.min(...extents.map(({ min }) => min))).toBe(summaryOf(north).min);
  });

  it("writes in seconds where nobody knows when it began", () => {
    expect(waveformSvg(golden, { sensorType: "", start: undefined }, "x")).toContain(">time (s)<");
  });

  it("holds no markup of others, and only numbers as coordinates", () => {
    const svg = waveformSvg(golden, about, `<script>"&\u0000\ud800`);
    expect(svg).toContain("<title>&lt;script&gt;&quot;&amp;\ufffd\ufffd</title>");
    fc.assert(
      fc.property(anyWaveform, anyAbout, fc.string({ unit: "binary" }), (waveform, known, title) => {
        const drawn = waveformSvg(waveform, known, title);
        for (const [, path] of drawn.matchAll(/ d="([^"]*)"/g)) expect(path).toMatch(/^[MLHVZv0-9.,-]*$/);
        expect(drawn).not.toMatch(/(?!\n)\p{Cc}/v);
        expect(drawn.match(/<script/)).toBeNull();
      }),
    );
  });
});
