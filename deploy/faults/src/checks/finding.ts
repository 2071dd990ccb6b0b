/** What went wrong, of whom, and where it was seen. */
export interface Finding {
  readonly what:
    | "lost"
    | "doubled"
    | "changed"
    | "made up"
    | "out of order"
    | "refused"
    | "liveness"
    | "upload"
    | "diverged"
    | "unhealthy";
  /** "the log", a table, a subscriber, a process. */
  readonly where: string;
  /** The sender, the device. */
  readonly who: string;
  readonly detail: string;
}

export function sentenceOf({ what, where, who, detail }: Finding): string {
  return `${what}: ${where}, ${who}: ${detail}`;
}

/** "3, 4, 5 and 17 more" */
export function few(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 5).join(", ");
  return numbers.length > 5 ? `${shown} and ${numbers.length - 5} more` : shown;
}
