import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { loopbackOf } from "./endpoint-url.js";

/** Milliseconds that a name server is waited for, and how often it is asked. */
const WAIT_MS = 2_500;
const TRIES = 2;

/** All addresses of a name. Raises an Error with a `code` where it has none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/**
 * Asks the name servers themselves. The system's own look-up would do so in one of a few threads that the whole
 * process shares, so that names whose servers do not answer would hold up everything else.
 */
export function resolveByDns(): Resolve {
  const resolver = new Resolver({ timeout: WAIT_MS, tries: TRIES });
  return async (host) => {
    const loopback = loopbackOf(host);
    if (loopback !== undefined) return loopback;
    const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const addresses = found.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
    const [failure] = found.filter((each) => each.status === "rejected");
    if (addresses.length === 0) throw failure?.reason ?? new Error("no address");
    return addresses;
  };
}

export function lookedUp(addresses: readonly string[]): LookupAddress[] {
  return addresses.map((address) => ({ address, family: isIP(address) }));
}
