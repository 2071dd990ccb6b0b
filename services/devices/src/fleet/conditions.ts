import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { isObject } from "../properties/json.js";

/** A condition on what a device reports. */
export interface Condition {
  /** Names of properties, one in the other, with full stops between: "battery.level". */
  readonly field: string;
  readonly op: keyof typeof OPERATORS;
  readonly value: string | number | boolean;
}

/** As SQL's JSON paths write them. */
const OPERATORS = { "=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">=" } as const;
const KEYS = ["field", "op", "value"];
const FIELD_LENGTH = 1_024;
const TEXT_LENGTH = 1_024;

/** The conditions in a text; none: undefined. Raises InvalidField. */
export function conditionsIn(text: string, field: string): readonly Condition[] | undefined {
  let given: unknown;
  try {
    given = text === "" ? [] : JSON.parse(text);
  } catch {
    throw new InvalidField(field, "is no JSON");
  }
  if (!Array.isArray(given)) throw new InvalidField(field, "is no list of conditions");
  if (given.length > limits.fleetConditions) {
    throw new InvalidField(field, `has more than ${limits.fleetConditions} conditions`);
  }
  const conditions = given.map((one: unknown) => conditionOf(one, field));
  return conditions.length === 0 ? undefined : conditions;
}

function conditionOf(given: unknown, at: string): Condition {
  if (!isObject(given) || !Object.keys(given).every((key) => KEYS.includes(key))) {
    throw new InvalidField(at, "has what is no condition: field, op, value");
  }
  const { field, op, value } = given;
  if (typeof field !== "string" || !isField(field)) {
    throw new InvalidField(at, 'has a field that is none: "battery.level"');
  }
  if (typeof op !== "string" || !Object.hasOwn(OPERATORS, op)) {
    throw new InvalidField(at, `has an op that is none of ${Object.keys(OPERATORS).join(" ")}`);
  }
  const equals = op === "=" || op === "!=";
  const isOperand = isNumber(value) || (equals && (typeof value === "boolean" || isText(value, TEXT_LENGTH)));
  if (!isOperand) throw new InvalidField(at, `has a value that is none for ${op}`);
  return { field, op: op as Condition["op"], value: value as Condition["value"] };
}

function isField(field: string): boolean {
  const names = field.split(".");
  return isText(field, FIELD_LENGTH) && names.length <= limits.propertyDepth && !names.includes("");
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isText(value: unknown, most: number): boolean {
  return (
    typeof value === "string" && value.length <= most && value.isWellFormed() && !value.includes("\u0000")
  );
}

/**
 * SQL's JSON path that tells whether all of them hold. A property that is not there meets none, "!=" included, and
 * what is of another type than the value does not either.
 */
export function jsonPathOf(conditions: readonly Condition[]): string {
  const tests = conditions.map(({ field, op, value }) => {
    const path = field.split(".").map((name) => `.${JSON.stringify(name)}`);
    return `$${path.join("")} ${OPERATORS[op]} ${JSON.stringify(value)}`;
  });
  return `strict ${tests.join(" && ")}`;
}
