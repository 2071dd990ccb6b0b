/** What a pattern is filled with. */
export interface Filling {
  /** ms since 1970 UTC, told in UTC. */
  readonly at: number;
  readonly sequence: number;
}

const PLACE = /\{(?:(sequenceId)|dateTime:([^{}]*))\}/g;
/** Of .NET's custom formats: runs of one letter; everything else stands for itself. */
const RUN = /([yMdHhmsf])\1*/g;

/** Of "{dateTime:yyyy-MM-dd}_{sequenceId}": the text, filled in. Undefined letters of a date stand for themselves. */
export function fill(pattern: string, { at, sequence }: Filling): string {
  return pattern.replace(PLACE, (_, isSequence?: string, format = "") =>
    isSequence ? String(sequence) : formatted(new Date(at), format),
  );
}

/** What is wrong with it, to go on after "it "; undefined: nothing. */
export function faultOf(pattern: string): string | undefined {
  const rest = pattern.replace(PLACE, "");
  if (/[{}]/.test(rest)) return "knows {sequenceId} and {dateTime:format}, and nothing else in braces";
  return /[/\p{Cc}]/u.test(pattern) ? "has a slash or a character that is no text" : undefined;
}

export function hasSequence(pattern: string): boolean {
  return pattern.includes("{sequenceId}");
}

function formatted(date: Date, format: string): string {
  return format.replace(RUN, (run: string) => part(date, run[0] as string, run.length));
}

function part(date: Date, letter: string, width: number): string {
  const padded = (value: number) => String(value).padStart(width, "0");
  switch (letter) {
    case "y":
      return width <= 2 ? padded(date.getUTCFullYear() % 100) : padded(date.getUTCFullYear());
    case "M":
      return padded(date.getUTCMonth() + 1);
    case "d":
      return padded(date.getUTCDate());
    case "H":
      return padded(date.getUTCHours());
    case "h":
      return padded(date.getUTCHours() % 12 || 12);
    case "m":
      return padded(date.getUTCMinutes());
    case "s":
      return padded(date.getUTCSeconds());
    default:
      return String(date.getUTCMilliseconds()).padStart(3, "0").padEnd(width, "0").slice(0, width);
  }
}
