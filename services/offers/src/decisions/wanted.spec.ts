import { describe, expect, it } from "vitest";
import type { Asked } from "./data-request.js";
import { answered, type OfferedData } from "./wanted.js";

const T = Date.UTC(2026, 4, 1);
const HOUR = 3_600_000;
const asked: Asked = {
  ...{ device: "17", sensor: "0", current: false, start: T, end: T + HOUR, points: [], withinM: 0 },
  ...{ expiresAt: T + 9 * HOUR, note: "" },
};
const { start: _, end: __, ...bare } = asked;
const here = { latitude: 34, longitude: -118 };
const byPlace: Asked = { ...bare, current: true, device: "", sensor: "", points: [here], withinM: 5_000 };
const open = (number: number, what: Asked) => ({ id: `r${number}`, number, asked: what });
const offer: OfferedData = {
  ...{ device: "17", sensor: "0", current: false, requestNumber: 5, start: T, end: T + HOUR },
};
const id = (data: OfferedData, ...requests: ReturnType<typeof open>[]) => answered(data, requests)?.id;

describe("an offer that names a request", () => {
  it("answers that one, if it concerns the device and the sensor and the stretches overlap", () => {
    expect(id(offer, open(4, asked), open(5, asked))).toBe("r5");
    expect(id({ ...offer, requestNumber: 6 }, open(5, asked))).toBeUndefined();
    expect(id({ ...offer, device: "18" }, open(5, asked))).toBeUndefined();
    expect(id({ ...offer, sensor: "1" }, open(5, asked))).toBeUndefined();
    expect(id({ ...offer, sensor: "1" }, open(5, { ...asked, sensor: "" }))).toBe("r5");
  });

  it.each([
    [T - HOUR, T, undefined],
    [T - HOUR, T + 1, "r5"],
    [T + HOUR, T + 2 * HOUR, undefined],
    [T + HOUR - 1, T + 2 * HOUR, "r5"],
    [T - HOUR, T + 2 * HOUR, "r5"],
    [undefined, undefined, "r5"],
  ])("from %s to %s answers %s", (start, end, expected) => {
    const { start: _, end: __, ...rest } = offer;
    const stretch = start === undefined || end === undefined ? {} : { start, end };
    expect(id({ ...rest, ...stretch }, open(5, asked))).toBe(expected);
  });
});

describe("an offer of current data", () => {
  const current: OfferedData = { ...offer, current: true, requestNumber: 0 };

  it("answers a request for current data, and no other", () => {
    expect(id(current, open(5, asked))).toBeUndefined();
    expect(id(current, open(5, asked), open(6, { ...bare, current: true }))).toBe("r6");
    expect(id({ ...current, current: false }, open(6, { ...bare, current: true }))).toBeUndefined();
  });

  it("answers one by place from near any of its points, or where its device does not say where it is", () => {
    expect(id({ ...current, latitude: 34.04, longitude: -118 }, open(7, byPlace))).toBe("r7");
    expect(id({ ...current, latitude: 34.05, longitude: -118 }, open(7, byPlace))).toBeUndefined();
    const more = { ...byPlace, points: [here, { latitude: 0, longitude: 0 }] };
    expect(id({ ...current, latitude: 0, longitude: 0.01 }, open(7, more))).toBe("r7");
    expect(id(current, open(7, byPlace))).toBe("r7");
  });
});
