import { array, constantFrom, double, integer, oneof, option, record, tuple } from "fast-check";
import { anEvent } from "./example.fixture.js";
import type { FilterJson } from "./filter-json.js";

// Few words and round numbers, so that filters and events often meet, at borders too.

const names = constantFrom("", "Light", "LightOn", "LightOff", "Lift", "Door");
const patterns = constantFrom("*", "Light*", "L*", "*On", "Li*t", `${"L".repeat(40)}*`);
const devices = constantFrom("lamp-1", "lamp-2", "door-1");
const places = constantFrom("Hall", "Kitchen");
const actions = constantFrom("on", "off");
const types = constantFrom("light", "heat", "hinge");
const texts = constantFrom("", "on", "1", "1.0", "2", "-0", "1e400");
const numbers = constantFrom(-1, 0, 1, 1.5, 2, 3);
const fields = constantFrom("value", "magnitude", "readings.0", "data.a.b");

const latitude = oneof(constantFrom(-90, 0, 90), integer({ min: -90, max: 90 }), degrees(90));
const longitude = oneof(constantFrom(-180, 0, 180), integer({ min: -180, max: 180 }), degrees(180));

function degrees(most: number) {
  return double({ min: -most, max: most, noNaN: true });
}

const list = <T>(of: Parameters<typeof array<T>>[0]) => array(of, { minLength: 1, maxLength: 3 });
const maybe = <T>(of: Parameters<typeof option<T>>[0], freq = 2) => option(of, { nil: undefined, freq });

const condition = oneof(
  record({ field: fields, op: constantFrom("=", "!=", "<", "<=", ">", ">="), value: numbers }),
  record({ field: fields, op: constantFrom("=", "!="), value: oneof(numbers, texts) }),
);

const box = tuple(latitude, latitude, longitude, longitude).map(([one, other, west, east]) => ({
  box: { south: Math.min(one, other), north: Math.max(one, other), west, east },
}));
const radiusM = oneof(
  constantFrom(0, 1, 20_100_000),
  integer({ min: 0, max: 2_000_000 }),
  integer({ min: 0, max: 20_100_000 }),
);
const circle = record({ latitude, longitude, radiusM }).map((shape) => ({ circle: shape }));

/** Filters with few parts, as most are. */
export const filterJson = record({
  names: maybe(list(oneof(names, patterns)), 1),
  devices: maybe(list(devices), 1),
  places: maybe(list(places), 1),
  actions: maybe(list(actions), 1),
  values: maybe(list(oneof(texts, numbers)), 1),
  sensorTypes: maybe(list(types), 1),
  conditions: maybe(list(condition), 1),
  area: maybe(oneof(box, circle), 1),
}).map((parts) => {
  const given = Object.entries(parts).filter(([, part]) => part !== undefined);
  return Object.fromEntries(given) as FilterJson;
});

export const event = record({
  name: names,
  device: devices,
  place: maybe(places),
  action: maybe(actions),
  value: maybe(oneof(texts, numbers.map(String))),
  sensorTypes: array(types, { maxLength: 2 }),
  latitude: maybe(latitude, 4),
  longitude: maybe(longitude, 4),
  magnitude: maybe(numbers),
  reading: maybe(numbers),
  data: maybe(oneof(texts, numbers)),
}).map(({ magnitude, reading, data, ...head }) => {
  const all = { magnitude, "readings.0": reading, "data.a.b": data };
  const given = Object.entries(all).filter(([, held]) => held !== undefined);
  return anEvent({ ...head, fields: Object.fromEntries(given) as Record<string, number | string> });
});
