import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";

/** A value of a property. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** What is being changed. Tags are flat. */
export type PropertyKind = "desired" | "reported" | "tags";

const KEY_BYTES = 512;

/**
 * The object in a text: properties, or a JSON merge patch of them, in which null takes away. Raises InvalidField: it is none, or
 * has a key or a value that no property may have. Numbers are those of JSON, as doubles.
 */
export function propertiesIn(text: string, kind: PropertyKind, field: string): JsonObject {
  if (text.length > 2 * limits.propertiesBytes) throw tooLarge(field);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidField(field, "is no JSON");
  }
  if (!isObject(value)) throw new InvalidField(field, "is no JSON object");
  checkObject(value, kind, field, 1);
  return value;
}

/** Raises InvalidField: together they are more than may be. */
export function checkSize(value: JsonObject, field: string): void {
  if (Buffer.byteLength(JSON.stringify(value)) > limits.propertiesBytes) throw tooLarge(field);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkObject(object: JsonObject, kind: PropertyKind, field: string, depth: number): void {
  if (depth > limits.propertyDepth) throw tooDeep(field);
  for (const [key, value] of Object.entries(object)) {
    const isKey = key !== "" && Buffer.byteLength(key) <= KEY_BYTES && isText(key);
    // Some JSON parsers take that one for something else.
    if (!isKey || /[.$]/.test(key) || key === "__proto__") {
      throw new InvalidField(field, `has a key that none may be: ${JSON.stringify(key.slice(0, 64))}`);
    }
    if (kind === "tags" && typeof value === "object" && value !== null) {
      throw new InvalidField(field, `is flat, and ${key} is not`);
    }
    if (value !== null) checkValue(value, kind, field, depth);
  }
}

function checkValue(value: Json, kind: PropertyKind, field: string, depth: number): void {
  if (typeof value === "string") {
    if (!isText(value)) throw new InvalidField(field, "has a text that is not Unicode without NUL");
    if (Buffer.byteLength(value) > limits.propertyTextBytes) {
      throw new InvalidField(field, `has a text of more than ${limits.propertyTextBytes} bytes`);
    }
  } else if (Array.isArray(value)) {
    if (depth + 1 > limits.propertyDepth) throw tooDeep(field);
    for (const one of value as readonly Json[]) {
      if (one === null) throw new InvalidField(field, "has null in a list");
      checkValue(one, kind, field, depth + 1);
    }
  } else if (isObject(value)) checkObject(value, kind, field, depth + 1);
}

function isText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\u0000");
}

function tooLarge(field: string): InvalidField {
  return new InvalidField(field, `has more than ${limits.propertiesBytes} bytes`);
}

function tooDeep(field: string): InvalidField {
  return new InvalidField(field, `is nested deeper than ${limits.propertyDepth}`);
}

// JSON merge patch (RFC 7396)

/** The properties after a patch. */
export function merged(before: Json | undefined, patch: JsonObject): JsonObject {
  const after: Record<string, Json> = isObject(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete after[key];
    else after[key] = isObject(value) ? merged(after[key], value) : value;
  }
  return after;
}

/** The patch that makes the one of the other; undefined: they are the same. Neither has nulls. */
export function difference(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: Record<string, Json> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) patch[key] = null;
  for (const [key, value] of Object.entries(to)) {
    const old = Object.hasOwn(from, key) ? from[key] : undefined;
    if (isObject(old) && isObject(value)) {
      const inner = difference(old, value);
      if (inner !== undefined) patch[key] = inner;
    } else if (old === undefined || !isSame(old, value)) patch[key] = value;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function isSame(one: Json, other: Json): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((value, index) => isSame(value, other[index] as Json));
  }
  if (isObject(one) && isObject(other)) return difference(one, other) === undefined;
  return one === other;
}
