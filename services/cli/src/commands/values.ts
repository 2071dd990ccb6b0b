import { InvalidArgumentError } from "commander";

// What a command line gives, as values. Each function raises InvalidArgumentError.

const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };

/** "10m" before `now` (ms), or an RFC 3339 time or date, as an RFC 3339 time. */
export function moment(text: string, now: number): string {
  const [, amount, unit] = /^(\d{1,5})([dhms])$/.exec(text) ?? [];
  if (amount && unit) return new Date(now - Number(amount) * (UNITS[unit] ?? 0)).toISOString();
  const isTime = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/.test(text);
  const ms = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw new InvalidArgumentError("It is neither a span such as 10m nor an RFC 3339 time.");
  return new Date(ms).toISOString();
}

/** A whole number below 10^9. */
export function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}

/** A JSON object. */
export function object(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told as whatever else is no object.
  }
  throw new InvalidArgumentError('It is a JSON object, such as {"rate":10}.');
}
