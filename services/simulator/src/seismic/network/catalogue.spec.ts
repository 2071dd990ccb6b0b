import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CatalogueError, parseCatalogue } from "./catalogue.js";

const header = "time_ms,id,magnitude,longitude,latitude,depth_km,place";

describe("parseCatalogue", () => {
  it("reads quoted and plain places, in order of time", () => {
    const quakes = parseCatalogue(
      `${header}\n2000,b,1.5,-118,34,9.7,Nowhere\n1000,a,-0.2,10.5,-20.25,-2.15,"4km W of ""Here"", CA"\n`,
    );
    expect(quakes).toEqual([
      {
        id: "a",
        time: 1000,
        magnitude: -0.2,
        longitude: 10.5,
        latitude: -20.25,
        depthKm: -2.15,
        place: '4km W of "Here", CA',
      },
      { id: "b", time: 2000, magnitude: 1.5, longitude: -118, latitude: 34, depthKm: 9.7, place: "Nowhere" },
    ]);
  });

  it("leaves out an earthquake without a magnitude", () => {
    expect(parseCatalogue(`${header}\n1000,a,,10,20,3,X`)).toEqual([]);
  });

  it("names the line that it cannot read", () => {
    expect(() => parseCatalogue(`${header}\n1000,a,1,10,20,3,X\n1000,a,1,ten,20,3,X`)).toThrow(
      CatalogueError,
    );
    expect(() => parseCatalogue("id,time\n")).toThrow("line 1");
  });

  it("reads the whole week that comes with the simulator", () => {
    const file = new URL("../../../data/usgs-earthquakes-2018-02-week.csv", import.meta.url);
    const quakes = parseCatalogue(readFileSync(file, "utf8"));
    expect(quakes).toHaveLength(1707);
    expect(Math.max(...quakes.map((quake) => quake.magnitude))).toBe(6.4);
  });
});
