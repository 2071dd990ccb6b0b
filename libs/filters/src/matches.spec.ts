import { describe, expect, test } from "vitest";
import { anEvent } from "./example.fixture.js";
import { type FilterJson, parseFilter } from "./filter-json.js";
import type { Matchable } from "./matchable.js";
import { matches } from "./matches.js";

const holds = (filter: FilterJson, event: Matchable) => matches(parseFilter(filter), event);

test("an empty filter lets everything through", () => {
  expect(holds({}, anEvent())).toBe(true);
});

test("every part must hold, and of a list one", () => {
  const filter = { names: ["Opened", "Closed"], places: ["Kitchen"] };
  expect(holds(filter, anEvent({ name: "Closed", place: "Kitchen" }))).toBe(true);
  expect(holds(filter, anEvent({ name: "Closed", place: "Hall" }))).toBe(false);
  expect(holds(filter, anEvent({ name: "Closed" }))).toBe(false);
  expect(holds(filter, anEvent({ name: "Broken", place: "Kitchen" }))).toBe(false);
});

test("devices, actions and sensor types are compared whole", () => {
  const event = anEvent({ device: "door-1", action: "open", sensorTypes: ["hinge", "light"] });
  expect(holds({ devices: ["door-1"], actions: ["open"], sensorTypes: ["light"] }, event)).toBe(true);
  expect(holds({ devices: ["door-"] }, event)).toBe(false);
  expect(holds({ actions: ["Open"] }, event)).toBe(false);
  expect(holds({ sensorTypes: ["heat"] }, event)).toBe(false);
});

test("a star in a device, a place or an action is only a star", () => {
  expect(holds({ devices: ["door-*"] }, anEvent({ device: "door-1" }))).toBe(false);
  expect(holds({ places: ["*"] }, anEvent({ place: "*" }))).toBe(true);
});

describe("values and conditions", () => {
  test.each([
    ["=", "25", "25.0", true],
    ["=", "25", "2.5e1", true],
    ["=", "25", "25 ", false],
    ["=", "on", "on", true],
    ["=", "0x19", "25", false],
    ["!=", "25", "25.0", false],
    ["!=", "25", "off", true],
    [">", 25, "25.1", true],
    [">", 25, "25", false],
    [">", 25, "100", true],
    [">=", 25, "25", true],
    ["<", 25, "-1", true],
    ["<=", 25, "25.00", true],
    ["<", 25, "cold", false],
    ["<", 25, "", false],
    ["<", 25, "-Infinity", false],
  ] as const)("value %s %s: %s is %s", (op, value, held, expected) => {
    const event = anEvent({ value: held });
    expect(holds({ conditions: [{ field: "value", op, value }] }, event)).toBe(expected);
    if (op === "=") expect(holds({ values: [value] }, event)).toBe(expected);
  });

  test("an absent field meets no condition, != included", () => {
    for (const field of ["value", "magnitude", "readings.0", "data.a"]) {
      for (const op of ["=", "!=", "<", ">"] as const) {
        expect(holds({ conditions: [{ field, op, value: 1 }] }, anEvent())).toBe(false);
      }
    }
    expect(holds({ values: ["undefined"] }, anEvent())).toBe(false);
  });

  test("two conditions make a range", () => {
    const low = { field: "data.room.celsius", op: ">=", value: 18 } as const;
    const filter = { conditions: [low, { ...low, op: "<", value: 22 } as const] };
    const at = (celsius: number) => holds(filter, anEvent({ fields: { "data.room.celsius": celsius } }));
    expect([17.9, 18, 21.9, 22].map(at)).toEqual([false, true, true, false]);
  });

  test("what is not finite is text", () => {
    const event = anEvent({ fields: { magnitude: Number.NaN } });
    expect(holds({ conditions: [{ field: "magnitude", op: ">", value: 0 }] }, event)).toBe(false);
    expect(holds({ conditions: [{ field: "magnitude", op: "=", value: "NaN" }] }, event)).toBe(true);
  });
});

describe("areas", () => {
  const inArea = (area: NonNullable<FilterJson["area"]>) => (latitude: number, longitude: number) =>
    holds({ area }, anEvent({ latitude, longitude }));

  test("a box holds its border", () => {
    const isIn = inArea({ box: { south: 34, west: -119, north: 35, east: -118 } });
    expect(isIn(34.5, -118.5)).toBe(true);
    expect([isIn(34, -119), isIn(35, -118)]).toEqual([true, true]);
    expect([isIn(33.999, -118.5), isIn(34.5, -117.999)]).toEqual([false, false]);
  });

  test("a box may cross the antimeridian, which has two longitudes", () => {
    const isIn = inArea({ box: { south: -20, west: 170, north: 0, east: -170 } });
    expect([isIn(-10, 175), isIn(-10, -175), isIn(-10, 180), isIn(-10, -180)]).toEqual(Array(4).fill(true));
    expect([isIn(-10, 169), isIn(-10, 0), isIn(-10, -169)]).toEqual(Array(3).fill(false));
    expect(inArea({ box: { south: 0, west: 170, north: 1, east: 180 } })(0.5, -180)).toBe(true);
  });

  test("a pole has every longitude", () => {
    const isIn = inArea({ box: { south: 80, west: 0, north: 90, east: 10 } });
    expect([isIn(90, 5), isIn(90, -120), isIn(89.9, -120)]).toEqual([true, true, false]);
  });

  test("a circle's radius is a distance on the sphere", () => {
    // From Los Angeles to San Francisco: 559 km.
    const isIn = inArea({ circle: { latitude: 34.0522, longitude: -118.2437, radiusM: 560_000 } });
    const isNear = inArea({ circle: { latitude: 34.0522, longitude: -118.2437, radiusM: 558_000 } });
    expect([isIn(37.7749, -122.4194), isNear(37.7749, -122.4194)]).toEqual([true, false]);
  });

  test("a circle crosses the antimeridian and the poles", () => {
    const fiji = inArea({ circle: { latitude: -17, longitude: 179, radiusM: 300_000 } });
    expect([fiji(-17, -179), fiji(-17, 177), fiji(-17, 0)]).toEqual([true, true, false]);
    const arctic = inArea({ circle: { latitude: 89, longitude: 0, radiusM: 250_000 } });
    expect([arctic(89, 180), arctic(90, -77), arctic(87, 180)]).toEqual([true, true, false]);
  });

  test("a circle may be one point, or all of the earth", () => {
    const point = inArea({ circle: { latitude: 10, longitude: 20, radiusM: 0 } });
    expect([point(10, 20), point(10, 20.001)]).toEqual([true, false]);
    const earth = inArea({ circle: { latitude: 10, longitude: 20, radiusM: 20_100_000 } });
    expect([earth(-10, -160), earth(90, 0)]).toEqual([true, true]);
  });

  test("an event that is nowhere on the earth is in no area", () => {
    const isIn = inArea({ box: { south: -90, west: -180, north: 90, east: 180 } });
    expect([isIn(91, 0), isIn(0, 181), isIn(Number.NaN, 0), isIn(0, Number.POSITIVE_INFINITY)]).toEqual(
      Array(4).fill(false),
    );
    expect(holds({ area: { box: { south: -90, west: -180, north: 90, east: 180 } } }, anEvent())).toBe(false);
    expect(isIn(-90, 180)).toBe(true);
  });
});
