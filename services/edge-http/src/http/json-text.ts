import { limits } from "@fieldlog/contracts";

/**
 * What came as JSON, as JSON again. Whoever parses takes any depth, and whoever writes has a stack: what is deeper than
 * {@link limits.eventDataDepth} could be taken, and never be shown again.
 *
 * @throws what `refused` makes of that it is nested too deeply
 */
export function jsonText(value: unknown, refused: (what: string) => Error): string {
  const most = limits.eventDataDepth;
  if (isDeeper(value, most)) throw refused(`It has more than ${most} objects and lists in each other.`);
  return JSON.stringify(value);
}

/** Whether more than that many objects and lists are in each other. */
export function isDeeper(value: unknown, than: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return than === 0 || Object.values(value).some((one) => isDeeper(one, than - 1));
}
