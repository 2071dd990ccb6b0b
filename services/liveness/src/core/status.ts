/** What a heartbeat may say of its device; their order is not kept anywhere. */
export const STATUSES = ["", "update", "restart", "sleep", "shutdown", "killed", "quit"] as const;
export type Status = (typeof STATUSES)[number];

const GOING: ReadonlySet<string> = new Set(["sleep", "shutdown", "killed", "quit"]);

/** With it the device tells that it goes: it is inactive at once. */
export function isGoing(status: Status): boolean {
  return GOING.has(status);
}

/** One that nobody knows says nothing. */
export function statusOf(text: string): Status {
  return STATUSES.includes(text as Status) ? (text as Status) : "";
}
