/** Of the values of a device's `mobility`: what people carry about. */
const MOBILE: ReadonlySet<string> = new Set(["laptop", "tablet", "phone"]);

/** Whether a device counts as one that moves. All that is not known to move stays where it is. */
export function isMobile(mobility: string | undefined): boolean {
  return mobility !== undefined && MOBILE.has(mobility);
}
