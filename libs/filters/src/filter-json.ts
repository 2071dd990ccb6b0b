import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { type AreaJson, areaOf, describeArea } from "./area-json.js";
import { checkKeys, listOf, objectOf, operandOf, refuse, textOf } from "./checks.js";
import { OPERATORS, type Operator } from "./condition.js";
import { numberOf } from "./numbers.js";

/** A filter as the native API takes and shows it. What is absent is not asked for. */
export interface FilterJson {
  /** `*` stands for any characters. */
  readonly names?: readonly string[];
  readonly devices?: readonly string[];
  readonly places?: readonly string[];
  readonly actions?: readonly string[];
  readonly values?: readonly (string | number)[];
  readonly sensorTypes?: readonly string[];
  readonly conditions?: readonly ConditionJson[];
  readonly area?: AreaJson;
}

export interface ConditionJson {
  /** "value", "magnitude", "readings.0" (a value of the event's reading), "data.a.b" (a field of its data). */
  readonly field: string;
  readonly op: Operator;
  readonly value: string | number;
}

const TEXTS = ["names", "devices", "places", "actions", "sensorTypes"] as const;
const KEYS = [...TEXTS, "values", "conditions", "area"];
const FIELD = /^(?:value|magnitude|readings\.(?:0|[1-9]\d{0,4})|data(?:\.[^.]+)+)$/;

/** A filter from JSON of whatever form. Raises InvalidFilter, which names the field. */
export function parseFilter(json: unknown): registry.EventFilter {
  const given = objectOf(json, "");
  checkKeys(given, KEYS, "");
  const filter = create(registry.EventFilterSchema);
  for (const key of TEXTS) filter[key] = listOf(given[key], key, textOf);
  filter.values = listOf(given["values"], "values", operandOf);
  filter.conditions = listOf(given["conditions"], "conditions", conditionOf);
  if (given["area"] !== undefined) filter.area = areaOf(given["area"], "area");
  const parts = [...TEXTS, "values", "conditions"] as const;
  const count = parts.reduce((sum, key) => sum + filter[key].length, 0);
  if (count > limits.valuesPerFilter) {
    refuse("", `must have at most ${limits.valuesPerFilter} values and conditions, not ${count}`);
  }
  return filter;
}

function conditionOf(json: unknown, at: string): registry.Condition {
  const given = objectOf(json, at);
  checkKeys(given, ["field", "op", "value"], at);
  const field = textOf(given["field"], `${at}.field`);
  if (!FIELD.test(field)) {
    refuse(`${at}.field`, 'must be "value", "magnitude", "readings.<index>" or "data.<name>"');
  }
  const operator = OPERATORS.find((one) => one === given["op"]);
  if (!operator) refuse(`${at}.op`, `must be one of ${OPERATORS.join(" ")}`);
  const operand = operandOf(given["value"], `${at}.value`);
  if (operator !== "=" && operator !== "!=" && numberOf(operand) === undefined) {
    refuse(`${at}.value`, `must be a number for ${operator}`);
  }
  return create(registry.ConditionSchema, { field, operator, operand });
}

/** What {@link parseFilter} makes the same filter of. */
export function describeFilter(filter: registry.EventFilter): FilterJson {
  const given = <T>(list: readonly T[]) => list.length > 0;
  const texts = TEXTS.filter((key) => given(filter[key])).map((key) => [key, [...filter[key]]]);
  const conditions = filter.conditions.map(({ field, operator, operand }) => ({
    ...{ field, op: operator as Operator, value: plain(operand) },
  }));
  const area = filter.area && describeArea(filter.area);
  return {
    ...(Object.fromEntries(texts) as FilterJson),
    ...(given(filter.values) ? { values: filter.values.map(plain) } : {}),
    ...(given(conditions) ? { conditions } : {}),
    ...(area ? { area } : {}),
  };
}

/** A number where that is written as the text is. */
function plain(operand: string): string | number {
  const number = numberOf(operand);
  return number !== undefined && String(number) === operand ? number : operand;
}
