import { isIP } from "node:net";
import type { Addresses } from "./addresses.js";

/**
 * Whether a webhook may have that URL, as far as that can be told without asking anybody: the addresses of a name
 * are looked at with each connection. Raises AddressRefused.
 */
export function checkEndpoint(url: string, addresses: Addresses): void {
  const host = hostOf(new URL(url).hostname);
  const known = isIP(host) ? [host] : (loopbackOf(host) ?? []);
  for (const address of known) addresses.check(address);
}

/** The host as it stands in a URL, an IPv6 address without its brackets. */
export function hostOf(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** RFC 6761, 6.3: these names are never asked for. */
export function loopbackOf(host: string): readonly string[] | undefined {
  return /(^|\.)localhost\.?$/i.test(host) ? ["127.0.0.1", "::1"] : undefined;
}
