import { isIP } from "node:net";
import { type Addresses, AddressRefused } from "./addresses.js";

/** Characters. */
const URL_LENGTH = 2_048;

/** The URL is none that a webhook may have. The message is for whoever gave it, and does not repeat the URL. */
export class EndpointRefused extends Error {
  override readonly name = "EndpointRefused";
}

/**
 * Whether a webhook may have that URL, as far as that can be told without asking anybody: a name's addresses are
 * looked at with each connection. Raises EndpointRefused.
 */
export function checkEndpoint(text: string, addresses: Addresses): void {
  if (text.length > URL_LENGTH) throw new EndpointRefused(`a URL has at most ${URL_LENGTH} characters`);
  const url = URL.parse(text);
  if (url === null) throw new EndpointRefused("this is not a URL");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new EndpointRefused("a webhook's URL begins with https: or http:");
  }
  if (url.username !== "" || url.password !== "") {
    throw new EndpointRefused("a webhook's URL has no user name and no password in it");
  }
  try {
    const host = hostOf(url.hostname);
    const known = isIP(host) ? [host] : (loopbackOf(host) ?? []);
    for (const address of known) addresses.check(address);
  } catch (error) {
    if (error instanceof AddressRefused) throw new EndpointRefused(error.message, { cause: error });
    throw error;
  }
}

/** The host as it stands in a URL, an IPv6 address without its brackets. */
export function hostOf(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** RFC 6761, 6.3: these names are never asked for. */
export function loopbackOf(host: string): readonly string[] | undefined {
  return /(^|\.)localhost\.?$/i.test(host) ? ["127.0.0.1", "::1"] : undefined;
}
