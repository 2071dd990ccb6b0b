import type { registry } from "@fieldlog/contracts";
import { areaTest, isPlace } from "./area.js";
import { conditionTest } from "./condition.js";
import { Facts, type FieldKey, keyOf } from "./facts.js";
import type { Matchable } from "./matchable.js";
import { Pattern, WILDCARD } from "./pattern.js";

export type Test = (event: Facts) => boolean;

/** Whether an event is for a filter. For many events or filters: {@link compileFilter} and {@link Facts}. */
export function matches(filter: registry.EventFilter, event: Matchable): boolean {
  return compileFilter(filter)(new Facts(event));
}

/** {@link matches} of one filter. Changes of the filter afterwards have no effect. */
export function compileFilter(filter: registry.EventFilter): Test {
  // What is told by the event's head comes before what its data have to be read for.
  const tests: Test[] = [
    ...oneOf(filter.devices, (event) => event.device),
    ...nameTest(filter.names),
    ...oneOf(filter.places, (event) => event.place),
    ...oneOf(filter.actions, (event) => event.action),
    ...valueTest(filter.values),
    ...sensorTypeTest(filter.sensorTypes),
    ...(filter.area ? [placeTest(filter.area)] : []),
    ...filter.conditions.map(conditionTest),
  ];
  return (event) => {
    for (const test of tests) if (!test(event)) return false;
    return true;
  };
}

function oneOf(wanted: readonly string[], of: (event: Facts) => string | undefined): Test[] {
  if (wanted.length === 0) return [];
  const [first] = wanted;
  if (wanted.length === 1) return [(event) => of(event) === first];
  const set = new Set<string | undefined>(wanted);
  return [(event) => set.has(of(event))];
}

function nameTest(names: readonly string[]): Test[] {
  const exact = names.filter((name) => !name.includes(WILDCARD));
  if (exact.length === names.length) return oneOf(names, (event) => event.name);
  const wanted = new Set(exact);
  const patterns = names.filter((name) => name.includes(WILDCARD)).map((name) => new Pattern(name));
  return [({ name }) => wanted.has(name) || patterns.some((pattern) => pattern.matches(name))];
}

function valueTest(values: readonly string[]): Test[] {
  if (values.length === 0) return [];
  const wanted = new Set<FieldKey | undefined>(values.map(keyOf));
  return [(event) => wanted.has(event.key("value"))];
}

function sensorTypeTest(types: readonly string[]): Test[] {
  if (types.length === 0) return [];
  const wanted = new Set(types);
  return [({ sensorTypes }) => sensorTypes.some((type) => wanted.has(type))];
}

function placeTest(area: registry.Area): Test {
  const holds = areaTest(area);
  return ({ latitude, longitude }) =>
    isPlace(latitude, longitude) && holds(latitude as number, longitude as number);
}
