// A4: `%Y-%m-%dT%H:%M:%S.%f` as Python's strptime reads it: one to six digits of fraction, no zone,
// and leading zeros of month, day and time may be missing.
const FORMAT =
  /^(\d{4})-(1[0-2]|0[1-9]|[1-9])-(3[01]|[12]\d|0[1-9]|[1-9]| [1-9])T(2[0-3]|[01]\d|\d):([0-5]\d|\d):(6[01]|[0-5]\d|\d)\.(\d{1,6})$/;

/** Characters of the longest date that can be parsed. */
const LONGEST = 26;

/**
 * Milliseconds since 1970 UTC of a CSN date; what is finer than a millisecond is cut off.
 * Undefined: not a date (the second 60 included, which strptime reads but no datetime holds).
 */
export function parseDate(text: string): number | undefined {
  return parseUsual(text) ?? parseAny(text);
}

/** `yyyy-MM-ddTHH:mm:ss.SSS` of a year from 1000 on, as clients write it; undefined: something else. */
function parseUsual(text: string): number | undefined {
  if (text.length !== 23) return undefined;
  for (let i = 0; i < 6; i++)
    if (text.charCodeAt(SEPARATORS_AT[i] as number) !== SEPARATORS[i]) return undefined;
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  const hour = two(text, 11);
  const minute = two(text, 14);
  const second = two(text, 17);
  const ms = two(text, 20) * 10 + (two(text, 21) % 10);
  if (!(year >= 1000 && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)))
    return undefined;
  if (!(hour < 24 && minute < 60 && second < 60 && ms >= 0)) return undefined;
  return Date.UTC(year, month - 1, day, hour, minute, second, ms);
}

const SEPARATORS_AT = [4, 7, 10, 13, 16, 19];
const SEPARATORS = [..."--T::."].map((one) => one.charCodeAt(0));

/** The number of two digits; NaN: they are not. */
function two(text: string, at: number): number {
  const high = text.charCodeAt(at) - 48;
  const low = text.charCodeAt(at + 1) - 48;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN;
}

function parseAny(text: string): number | undefined {
  if (text.length > LONGEST) return undefined;
  const match = FORMAT.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const second = Number(match[6]);
  if (year < 1 || second > 59 || day > daysIn(year, month)) return undefined;
  const fraction = match[7] as string;
  const ms = Number(fraction.length >= 3 ? fraction.slice(0, 3) : fraction.padEnd(3, "0"));
  // Date.UTC takes years below 100 for those of the 20th century; 400 years are a whole number of days.
  const shift = year < 100 ? 400 : 0;
  const shifted = Date.UTC(year + shift, month - 1, day, Number(match[4]), Number(match[5]), second, ms);
  return shift === 0 ? shifted : shifted - MS_IN_400_YEARS;
}

const MS_IN_400_YEARS = 146_097 * 86_400_000;

/** The CSN form of a time: `yyyy-MM-ddTHH:mm:ss.SSS`, UTC. */
export function formatDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
