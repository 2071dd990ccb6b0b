import { describe, expect, it } from "vitest";
import {
  azimuth,
  FULL_SCALE_G,
  hypocentralKm,
  PICK_THRESHOLD_G,
  peakG,
  placeAt,
  reachKm,
  reading,
  surfaceKm,
  travelMs,
} from "./waves.js";

const source = { latitude: 34, longitude: -118, depthKm: 8, magnitude: 3 };

describe("distances", () => {
  it("knows that a degree of latitude is about 111 km", () => {
    expect(surfaceKm({ latitude: 34, longitude: -118 }, { latitude: 35, longitude: -118 })).toBeCloseTo(
      111.19,
      1,
    );
  });

  it("goes the short way over the date line", () => {
    expect(surfaceKm({ latitude: 0, longitude: 179.5 }, { latitude: 0, longitude: -179.5 })).toBeCloseTo(
      111.19,
      1,
    );
  });

  it("places a point back where it came from", () => {
    for (const direction of [0, 45, 133, 270, 359]) {
      const place = placeAt(source, 42, direction);
      expect(surfaceKm(source, place)).toBeCloseTo(42, 6);
      expect(azimuth(source, place)).toBeCloseTo(direction, 1);
    }
  });

  it("takes the depth into account", () => {
    expect(hypocentralKm(source, source)).toBe(8);
    expect(hypocentralKm(source, placeAt(source, 6, 90))).toBeCloseTo(10, 6);
  });
});

describe("travelMs", () => {
  it("is the hypocentral distance at 6 km/s", () => {
    expect(travelMs(source, placeAt(source, 6, 90))).toBe(1667);
    expect(travelMs({ ...source, depthKm: 12 }, source)).toBe(2000);
  });
});

describe("amplitudes", () => {
  it("fall with distance, grow with magnitude, and stop at full scale", () => {
    expect(peakG(3, 10)).toBeGreaterThan(peakG(3, 20));
    expect(peakG(4, 10)).toBeGreaterThan(peakG(3, 10));
    expect(peakG(9, 1)).toBe(FULL_SCALE_G);
  });

  it("reach as far as the threshold says", () => {
    for (const magnitude of [-0.5, 1, 3, 6.4]) {
      const reach = reachKm(magnitude);
      expect(peakG(magnitude, reach)).toBeGreaterThanOrEqual(PICK_THRESHOLD_G);
      expect(peakG(magnitude, reach + 0.1)).toBeLessThan(PICK_THRESHOLD_G);
    }
    expect(reachKm(2)).toBeGreaterThan(reachKm(1));
    expect(reachKm(-5)).toBe(0);
  });
});

describe("reading", () => {
  it("points away from the source, with the E axis reversed", () => {
    const [north, east, up] = reading(source, placeAt(source, 20, 90));
    expect(Math.abs(north)).toBeLessThan(1e-5);
    expect(east).toBeLessThan(0);
    expect(up).toBeGreaterThan(0);
    expect(reading(source, placeAt(source, 20, 0))[0]).toBeGreaterThan(0);
  });

  it("has the length of the peak, to a millionth of g", () => {
    const place = placeAt(source, 15, 200);
    expect(Math.hypot(...reading(source, place))).toBeCloseTo(peakG(3, hypocentralKm(source, place)), 5);
  });
});
