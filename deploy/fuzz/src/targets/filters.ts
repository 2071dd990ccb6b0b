import { limits } from "@fieldlog/contracts";
import {
  describeFilter,
  Facts,
  FilterIndex,
  InvalidFilter,
  type Matchable,
  matches,
  parseFilter,
} from "@fieldlog/filters";
import { InvalidFilter as InvalidTopicFilter, topicSearch } from "@fieldlog/projections/decoders";
import { decoding, jsons, type Target, textOf, texts } from "../target.js";

const conditions = [
  { field: "value", op: "=", value: "1.0" },
  { field: "magnitude", op: ">=", value: 1 },
  { field: "readings.0", op: "!=", value: "x" },
  { field: "data.a.b", op: "<", value: 2.5 },
];
const filters = [
  {},
  { names: ["Light*", "LightOn"], devices: ["lamp-1"], places: ["Hall"], actions: ["on"], values: [1, "on"] },
  { sensorTypes: ["heat"], conditions },
  { area: { box: { south: -10, west: 170, north: 10, east: -170 } } },
  {
    area: { circle: { latitude: 34.1, longitude: -118.2, radiusM: 1_000 } },
    conditions: conditions.slice(0, 1),
  },
  { names: ["*a*aa*aaa*"] },
];

const fields: Readonly<Record<string, number | string>> = {
  magnitude: 1,
  "readings.0": -0,
  "data.a.b": "2.5",
};
const events: readonly Matchable[] = [
  { name: "", device: "", sensorTypes: [], field: () => undefined },
  {
    ...{
      name: "LightOn",
      device: "lamp-1",
      place: "Hall",
      action: "on",
      value: "1.0",
      sensorTypes: ["heat"],
    },
    ...{ latitude: 34.1, longitude: -118.2 },
    field: (name) => (Object.hasOwn(fields, name) ? fields[name] : undefined),
  },
  { name: "a".repeat(200), device: "d", sensorTypes: [], latitude: 0, longitude: 180, field: () => "1e400" },
];

/** The index finds whom the filter alone lets through. */
function compile(filter: ReturnType<typeof parseFilter>): void {
  const index = new FilterIndex<number>();
  index.add([filter], 1);
  index.add([parseFilter({ names: ["LightOn"] })], 2);
  for (const event of events) {
    new Facts(event).key("value");
    let found = 0;
    index.match(event, (value) => {
      if (value === 1) found++;
    });
    if (found !== Number(matches(filter, event))) throw new Error("the index and the filter do not agree");
  }
}

/** Filters of subscriptions, and those of topics that are searched for in tables. */
export const filterTargets: readonly Target[] = [
  {
    ...{ name: "filters/events", shape: "json", seeds: jsons(...filters), mostBytes: limits.bodyBytes },
    run: decoding(
      (input) => {
        const filter = parseFilter(JSON.parse(textOf(input)));
        compile(filter);
        return filter;
      },
      {
        raises: [InvalidFilter, SyntaxError],
        encode: (filter) => Buffer.from(JSON.stringify(describeFilter(filter))),
      },
    ),
  },
  {
    ...{ name: "filters/topics", shape: "text", mostBytes: limits.bodyBytes, words: ["+", "/#", "$"] },
    seeds: texts("a/+/#", "a/b", "#", "+/a.b"),
    run: decoding(
      (input) => {
        const search = topicSearch(textOf(input));
        // Close enough to how Postgres reads it.
        if (search.kind === "pattern") new RegExp(search.pattern).test("a/b/c");
      },
      { raises: [InvalidTopicFilter] },
    ),
  },
];
