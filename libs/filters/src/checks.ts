import { limits } from "@fieldlog/contracts";

/** What was given is no filter. */
export class InvalidFilter extends Error {
  override readonly name = "InvalidFilter";

  constructor(
    /** Where in the filter: "conditions[0].op"; "" for the filter itself. */
    readonly field: string,
    /** What is wrong with it: "must be a text". */
    readonly detail: string,
  ) {
    super(`${field || "the filter"} ${detail}`);
  }
}

export function refuse(field: string, detail: string): never {
  throw new InvalidFilter(field, detail);
}

export function objectOf(json: unknown, at: string): Record<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) refuse(at, "must be an object");
  return json as Record<string, unknown>;
}

/** A misspelt part would let everything through. */
export function checkKeys(given: Record<string, unknown>, known: readonly string[], at: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const key = unknown.slice(0, 64);
  refuse(at ? `${at}.${key}` : key, `is not known; known are ${known.join(", ")}`);
}

/** Empty where nothing was given. */
export function listOf<T>(json: unknown, at: string, of: (json: unknown, at: string) => T): T[] {
  if (json === undefined) return [];
  if (!Array.isArray(json) || json.length === 0) refuse(at, "must be a list of at least one");
  const most = limits.valuesPerFilter;
  if (json.length > most) refuse(at, `must have at most ${most} elements, not ${json.length}`);
  return json.map((element, index) => of(element, `${at}[${index}]`));
}

export function textOf(json: unknown, at: string): string {
  if (typeof json !== "string") refuse(at, "must be a text");
  if (json.length > limits.textLength) refuse(at, `must have at most ${limits.textLength} characters`);
  if (!json.isWellFormed()) refuse(at, "must be Unicode");
  return json;
}

/** What a field is compared with, as text. */
export function operandOf(json: unknown, at: string): string {
  if (typeof json === "number" && Number.isFinite(json)) return String(json);
  if (typeof json !== "string") refuse(at, "must be a text or a number");
  return textOf(json, at);
}

export function numberIn(json: unknown, at: string, least: number, most: number): number {
  if (typeof json !== "number" || !(json >= least && json <= most)) {
    refuse(at, `must be a number from ${least} to ${most}`);
  }
  // No negative zero, which is shown as zero: the same filter would be another one.
  return (json as number) + 0;
}
