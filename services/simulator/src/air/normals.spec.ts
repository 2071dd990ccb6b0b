import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Normals, NormalsError, sinceNewYear, YEAR_MS } from "./normals.js";

const HOUR = 3_600_000;
const csv = (...lines: string[]) => ["date,pressure,temperature,wind", ...lines, ""].join("\n");

describe("the normals", () => {
  const two = Normals.parse(csv("2010-01-01T00:00:00,1000,-2,1", "2010-01-01T01:00:00,1010,4.0,2"));

  it("are those of the list at its hours, and a mixture in between", () => {
    expect(two.at(0)).toEqual({ pressure: 1000, temperature: -2, wind: 1 });
    expect(two.at(HOUR / 2)).toEqual({ pressure: 1005, temperature: 1, wind: 1.5 });
    expect(two.at(HOUR)).toEqual({ pressure: 1010, temperature: 4, wind: 2 });
  });

  it("are, where the list lacks an hour, those before it", () => {
    expect(two.at(5000 * HOUR)).toEqual(two.at(HOUR));
    const late = Normals.parse(csv("2010-01-01T05:00:00,1000,1,1", "2010-12-31T23:00:00,1010,2,2"));
    expect(late.at(0)).toEqual({ pressure: 1010, temperature: 2, wind: 2 });
  });

  it("begin again with the year", () => {
    expect(two.at(YEAR_MS + HOUR)).toEqual(two.at(HOUR));
    expect(two.at(-HOUR)).toEqual(two.at(YEAR_MS - HOUR));
  });

  it("name the line that cannot be read", () => {
    expect(() => Normals.parse("when,what")).toThrow(NormalsError);
    for (const bad of ["2010-01-01T00:30:00,1,1,1", "2010-01-01T00:00:00,1,1", "2010-02-31T00:00:00,x,1,1"]) {
      expect(() => Normals.parse(csv("2010-01-01T00:00:00,1000,1,1", bad))).toThrow(/line 3/);
    }
  });

  it("of the file are Seattle's: a year without gaps, warmest in summer", () => {
    const file = new URL("../../data/noaa-seattle-hourly-normals.csv", import.meta.url);
    const text = readFileSync(file, "utf8");
    expect(text.trim().split("\n").length).toBe(1 + 8759);
    const normals = Normals.parse(text);
    const noon = (month: number) => normals.at(Date.UTC(2010, month, 15, 14) - Date.UTC(2010, 0)).temperature;
    expect(noon(0)).toBeLessThan(9);
    expect(noon(7)).toBeGreaterThan(22);
  });
});

it("a date's place in the year does not depend on the year", () => {
  expect(sinceNewYear(new Date("2026-01-02T03:00:00Z"))).toBe(27 * HOUR);
  expect(sinceNewYear(new Date("2028-12-31T23:00:00Z"))).toBe(YEAR_MS - HOUR);
});
