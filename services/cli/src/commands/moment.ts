import { InvalidArgumentError } from "commander";

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
