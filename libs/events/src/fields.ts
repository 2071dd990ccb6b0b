import { limits } from "@fieldlog/contracts";
import { InvalidEvent } from "./invalid-event.js";

// What senders' fields must be. Each raises InvalidEvent with the field's name.

export type Fields = Readonly<Record<string, unknown>>;

/** RFC 3339, section 5.6. */
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

export function objectOf(value: unknown, field: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InvalidEvent(field, "must be an object");
}

export function textOf(value: unknown, field: string, length: number = limits.textLength): string {
  if (typeof value !== "string") throw new InvalidEvent(field, "must be a text");
  if (value.length > length) throw new InvalidEvent(field, `must have at most ${length} characters`);
  if (!value.isWellFormed() || value.includes("\0"))
    throw new InvalidEvent(field, "must be Unicode without NUL");
  return value;
}

/** One that is there, and says something. */
export function requiredText(value: unknown, field: string, length?: number): string {
  if (value === undefined) throw new InvalidEvent(field, "is required");
  const text = textOf(value, field, length);
  if (text === "") throw new InvalidEvent(field, "must not be empty");
  return text;
}

/** As it is, if it can stand in an index beside ids: there not characters count, but bytes. */
export function inBytes(text: string, field: string): string {
  if (Buffer.byteLength(text) <= limits.textLength) return text;
  throw new InvalidEvent(field, `must have at most ${limits.textLength} bytes`);
}

/** A text, or what can be written as one. null and undefined: nothing was said. */
export function scalarOf(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") throw new InvalidEvent(field, "must be a text, a number or a truth value");
  return textOf(value, field);
}

export function timeOf(value: unknown, field: string): number {
  const ms = typeof value === "string" && TIME.test(value) ? Date.parse(value.replace(" ", "T")) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidEvent(field, "must be a time such as 2026-01-31T12:00:00Z");
  return ms;
}

export function numberIn(value: unknown, field: string, from: number, to: number): number {
  if (typeof value === "number" && value >= from && value <= to) return value;
  throw new InvalidEvent(field, `must be a number from ${from} to ${to}`);
}

export function locationOf(value: unknown, field: string) {
  const { latitude, longitude, ...others } = objectOf(value, field);
  none(others, `${field}.`);
  return {
    latitude: numberIn(latitude, `${field}.latitude`, -90, 90),
    longitude: numberIn(longitude, `${field}.longitude`, -180, 180),
  };
}

export function arrayOf(value: unknown, field: string, length: number): readonly unknown[] {
  if (!Array.isArray(value)) throw new InvalidEvent(field, "must be a list");
  if (value.length > length) throw new InvalidEvent(field, `must have at most ${length} elements`);
  return value;
}

/** Refuses what nobody knows. */
export function none(others: Fields, prefix = ""): void {
  const [first] = Object.keys(others);
  if (first !== undefined) throw new InvalidEvent(`${prefix}${first.slice(0, 64)}`, "is not known");
}

/** JSON as bytes. */
export function jsonBytes(value: unknown, field: string): Uint8Array {
  let json = "";
  try {
    json = JSON.stringify(value);
  } catch {
    throw tooDeep(field);
  }
  checkDepth(json, field);
  return Buffer.from(json);
}

const MARKS = /"(?:[^"\\]|\\.)*"|[[\]{}]/g;

/** Of JSON. Raises InvalidEvent for more objects and arrays in each other than a database is asked to read. */
export function checkDepth(json: string, field: string): void {
  let depth = 0;
  for (const [mark] of json.matchAll(MARKS)) {
    if (mark === "[" || mark === "{") depth++;
    else if (mark === "]" || mark === "}") depth--;
    if (depth > limits.eventDataDepth) throw tooDeep(field);
  }
}

function tooDeep(field: string): InvalidEvent {
  return new InvalidEvent(field, `has more than ${limits.eventDataDepth} objects and lists in each other`);
}
