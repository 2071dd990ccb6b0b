import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boundsOf,
  GEOCELL_BITS,
  geocellNumber,
  geocellOf,
  geocellText,
  isGeocell,
  numbersIn,
} from "./geocell.js";

const latitude = fc.double({ min: -90, max: 90, noNaN: true });
const longitude = fc.double({ min: -180, max: 180, noNaN: true });
const bits = fc.integer({ min: 0, max: GEOCELL_BITS });
const cells = fc.stringMatching(/^[01]{0,48}$/);

describe("geocells", () => {
  it("begin with the longitude, and have a 1 for east and north", () => {
    expect(geocellOf(34.1, -118.1, 6)).toBe("010011");
    expect(geocellOf(1, 1, 2)).toBe("11");
    expect(geocellOf(-1, 1, 2)).toBe("10");
    expect(geocellOf(1, -1, 2)).toBe("01");
    expect(boundsOf("01")).toEqual({ west: -180, east: 0, south: 0, north: 90 });
    expect(boundsOf("")).toEqual({ west: -180, east: 180, south: -90, north: 90 });
  });

  it("hold the place that they were made of", () => {
    fc.assert(
      fc.property(latitude, longitude, bits, (lat, lon, n) => {
        const cell = geocellOf(lat, lon, n) as string;
        expect(cell).toHaveLength(n);
        expect(isGeocell(cell)).toBe(true);
        const { west, east, south, north } = boundsOf(cell);
        expect(west <= lon && (lon < east || east === 180)).toBe(true);
        expect(south <= lat && (lat < north || north === 90)).toBe(true);
      }),
    );
  });

  it("of fewer bits are the beginning of those of more", () => {
    fc.assert(
      fc.property(latitude, longitude, bits, (lat, lon, n) => {
        expect(geocellOf(lat, lon)?.slice(0, n)).toBe(geocellOf(lat, lon, n));
      }),
    );
  });

  it("have their south-western corner inside, exactly", () => {
    fc.assert(
      fc.property(cells, (cell) => {
        const { west, south } = boundsOf(cell);
        expect(geocellOf(south, west, cell.length)).toBe(cell);
      }),
    );
  });

  it("are as high and as wide as halving makes them", () => {
    fc.assert(
      fc.property(cells, (cell) => {
        const { west, east, south, north } = boundsOf(cell);
        expect(east - west).toBe(360 / 2 ** Math.ceil(cell.length / 2));
        expect(north - south).toBe(180 / 2 ** Math.floor(cell.length / 2));
      }),
    );
  });

  it("are only of places on earth", () => {
    for (const [lat, lon] of [
      [90.001, 0],
      [0, -180.001],
      [Number.NaN, 0],
      [0, Number.POSITIVE_INFINITY],
    ] as const) {
      expect(geocellOf(lat, lon)).toBeUndefined();
    }
    expect(geocellOf(90, 180, 4)).toBe("1111");
  });

  it("as numbers stand where their texts do", () => {
    fc.assert(
      fc.property(latitude, longitude, cells, (lat, lon, cell) => {
        const number = geocellNumber(lat, lon) as number;
        expect(geocellText(number)).toBe(geocellOf(lat, lon));
        const { first, last } = numbersIn(cell);
        expect(geocellText(first, cell.length)).toBe(cell);
        expect(geocellText(last, cell.length)).toBe(cell);
        expect(first <= number && number <= last).toBe(geocellText(number).startsWith(cell));
      }),
    );
  });

  it("are told from other texts", () => {
    for (const text of ["2", "01 ", "a", "01\n", "0".repeat(49)]) expect(isGeocell(text)).toBe(false);
  });
});
