import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { anything, assert, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { InvalidFilter } from "./checks.js";
import { describeFilter, parseFilter } from "./filter-json.js";
import { filterJson } from "./random.fixture.js";

const fieldOf = (json: unknown): string | undefined => {
  try {
    parseFilter(json);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidFilter) return error.field;
    throw error;
  }
};

test("a filter is described as it was given", () => {
  const json = {
    names: ["Light*", ""],
    devices: ["lamp-1"],
    places: ["Living Room"],
    actions: ["switched"],
    sensorTypes: ["accelerometer-3-axis"],
    values: [25, "on", "025"],
    conditions: [{ field: "data.room.celsius", op: ">=", value: 21.5 }],
    area: { circle: { latitude: 34, longitude: -118, radiusM: 5_000 } },
  };
  expect(describeFilter(parseFilter(json))).toEqual(json);
  expect(describeFilter(parseFilter({}))).toEqual({});
});

test("any filter survives being stored and described", () => {
  assert(
    property(filterJson, (json) => {
      const filter = parseFilter(json);
      const stored = fromBinary(registry.EventFilterSchema, toBinary(registry.EventFilterSchema, filter));
      expect(parseFilter(JSON.parse(JSON.stringify(describeFilter(stored))))).toEqual(filter);
    }),
  );
});

test("a filter is the same again when it is given as it is described, with a negative zero as well", () => {
  const filter = parseFilter({ area: { box: { south: -0, west: -0, north: 0, east: 1 } } });
  expect(parseFilter(JSON.parse(JSON.stringify(describeFilter(filter))))).toEqual(filter);
});

describe("a refusal names the field", () => {
  const condition = { field: "value", op: "=", value: 1 };
  const box = { south: 1, west: 2, north: 3, east: 4 };
  const many = Array.from({ length: limits.valuesPerFilter + 1 }, (_, index) => `device-${index}`);
  test.each([
    ["", null],
    ["", []],
    ["", "names"],
    ["name", { name: "Light" }],
    ["__proto__", JSON.parse('{"__proto__":{}}')],
    ["names", { names: "Light" }],
    ["names", { names: [] }],
    ["devices", { devices: many }],
    ["", { devices: many.slice(0, 200), places: many.slice(0, 200) }],
    ["names[1]", { names: ["Light", 1] }],
    ["places[0]", { places: ["x".repeat(limits.textLength + 1)] }],
    ["actions[0]", { actions: ["\ud800"] }],
    ["values[0]", { values: [true] }],
    ["values[0]", { values: [Number.NaN] }],
    ["conditions[0]", { conditions: ["value > 1"] }],
    ["conditions[0].operator", { conditions: [{ ...condition, operator: "=" }] }],
    ["conditions[1].field", { conditions: [condition, { ...condition, field: "temperature" }] }],
    ["conditions[0].field", { conditions: [{ ...condition, field: "data." }] }],
    ["conditions[0].field", { conditions: [{ ...condition, field: "readings.x" }] }],
    ["conditions[0].op", { conditions: [{ ...condition, op: "~" }] }],
    ["conditions[0].op", { conditions: [{ ...condition, op: undefined }] }],
    ["conditions[0].value", { conditions: [{ ...condition, op: ">", value: "warm" }] }],
    ["conditions[0].value", { conditions: [{ ...condition, value: undefined }] }],
    ["area", { area: {} }],
    ["area", { area: { box, circle: {} } }],
    ["area.box.north", { area: { box: { ...box, north: undefined } } }],
    ["area.box.south", { area: { box: { ...box, south: 5 } } }],
    ["area.box.west", { area: { box: { ...box, west: -181 } } }],
    ["area.box.east", { area: { box: { ...box, east: "4" } } }],
    ["area.circle.radiusM", { area: { circle: { latitude: 0, longitude: 0, radiusM: -1 } } }],
    ["area.circle.radius", { area: { circle: { latitude: 0, longitude: 0, radius: 1 } } }],
  ])("%s", (field, json) => {
    expect(fieldOf(json)).toBe(field);
  });

  test("whatever it is given", () => {
    assert(property(anything({ withNullPrototype: true }), (json) => void fieldOf(json)));
  });
});
